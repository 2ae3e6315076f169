package io.tomcatdrain.cli;

/**
 * One request to the site as its client saw it.
 *
 * @param kind how it was sent
 * @param sticky true if its client keeps the site's cookies
 * @param beganMillis when it was sent, counted from the check's beginning
 * @param endedMillis when its answer was complete, or it had none
 * @param sentBytes how much of its body was sent
 * @param bytes how long its body is
 * @param status the answer's status; 0 if there was no whole answer
 * @param refused true if a draining node refused it, and the front end handed that on
 * @param trouble what happened where there was no whole answer; else empty
 */
record Exchange(
        Kind kind,
        boolean sticky,
        long beganMillis,
        long endedMillis,
        long sentBytes,
        long bytes,
        int status,
        boolean refused,
        String trouble) {

    /** How a request is sent. */
    enum Kind {
        GET("GET"),
        LENGTH("upload, by length"),
        CHUNKED("upload, chunked"),
        EXPECT("upload, with Expect");

        private final String title;

        Kind(String title) {
            this.title = title;
        }

        String title() {
            return title;
        }

        boolean isUpload() {
            return this != GET;
        }
    }

    long millis() {
        return endedMillis - beganMillis;
    }

    /** Returns true unless its user got what was asked for. What a page answers to a stranger (a login, say) is no loss. */
    boolean isLost() {
        return refused || status < 200 || status >= (kind.isUpload() ? 400 : 500);
    }

    /**
     * Returns true if it was cut off while its body was on its way, and not by a refusal: it was under way for some time, or its connection
     * ended before its body and without an answer.
     */
    boolean isCutInTheMiddle() {
        boolean underWay = millis() >= 1_000 || (status == 0 && sentBytes < bytes);
        return isLost() && !refused && kind.isUpload() && sentBytes > 0 && underWay;
    }

    /**
     * Returns true if the status is an answer to what was asked for, such as 404, and none of a time-out: 408 is, and 400 or 500 may be where
     * the body was not sent to its end.
     */
    boolean isAnswered() {
        return switch (status) {
            case 408 -> false;
            case 400, 500 -> sentBytes >= bytes;
            default -> status >= 400 && status < 500;
        };
    }
}
