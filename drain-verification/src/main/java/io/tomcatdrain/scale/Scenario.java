package io.tomcatdrain.scale;

import java.io.IOException;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Begins so many uploads on one node, looks at them, drains and stops the node under them, lets them drip to their ends and says what
 * has become of them.
 */
final class Scenario {
    private static final Pattern UPLOADS = Pattern.compile("\"inFlight\":\\{\"uploads\":(\\d+)");
    private static final Pattern ID = Pattern.compile("\\{\"id\":\\d+,");
    private static final int LOOKS = 11;

    private Scenario() {}

    /**
     * What was seen.
     *
     * @param listed how many the status counted and listed; −1 if it said two things
     * @param inJmx how many {@code ActiveUploads} listed
     * @param statusMillis a GET of the status from outside, median
     * @param statusBytes how long that answer was
     * @param jmxMillis reading {@code ActiveUploads} in the node, median
     * @param drainMillis the POST that began the drain
     * @param refused the status of the answer to an upload that came during the drain
     * @param heapPerUpload what an upload occupies in the node, Tomcat's buffers and the servlet's included
     * @param right how many got the right checksum
     * @param others what the others got
     * @param drainedMillis from the last answer's arrival to DRAINED
     * @param lastByteMillis from the last byte's departure to DRAINED
     * @param outcome the state that the drain ended in
     * @param exit the process's exit code after the stop
     */
    record Seen(
            int uploads,
            int listed,
            int inJmx,
            double statusMillis,
            int statusBytes,
            double jmxMillis,
            double drainMillis,
            int refused,
            long heapPerUpload,
            int right,
            List<String> others,
            double drainedMillis,
            double lastByteMillis,
            String outcome,
            int exit) {}

    static Seen run(Mode mode, int uploads, int contentLength, Duration dripping)
            throws IOException, InterruptedException {
        try (NodeProcess node = new NodeProcess(mode, uploads);
                UploadCrowd crowd = new UploadCrowd(node.address(), uploads, contentLength)) {
            long heapBefore = Long.parseLong(node.ask("heap")[1]);
            crowd.begin();
            awaitAllInside(node, uploads);
            long heap = Long.parseLong(node.ask("heap")[1]);

            double[] status = new double[LOOKS];
            double[] jmx = new double[LOOKS];
            String body = "";
            int inJmx = 0;
            for (int i = 0; i < LOOKS; i++) {
                long start = System.nanoTime();
                body = node.http("GET", "/drain").body();
                status[i] = millis(System.nanoTime() - start);
                String[] answer = node.ask("jmx");
                inJmx = Integer.parseInt(answer[1]);
                jmx[i] = millis(Long.parseLong(answer[2]));
            }
            int counted = counted(body);
            int listed = (int) ID.matcher(body).results().count();

            long start = System.nanoTime();
            HttpResponse<String> begun = node.http("POST", "/drain?reason=scale");
            double drainMillis = millis(System.nanoTime() - start);
            requireStatus(begun, 202);
            int refused = node.http("POST", "/app/upload/late").statusCode();
            node.send("stop");

            UploadCrowd.Result result = crowd.finish(dripping);
            String[] over = node.await("state");
            while (over[1].equals("LAME_DUCK") || over[1].equals("DRAINING")) {
                over = node.await("state");
            }
            long drained = Long.parseLong(over[2]);
            node.await("stopped");
            return new Seen(
                    uploads,
                    counted == listed ? listed : -1,
                    inJmx,
                    median(status),
                    body.length(),
                    median(jmx),
                    drainMillis,
                    refused,
                    (heap - heapBefore) / uploads,
                    result.right(),
                    result.others(),
                    millis(drained - result.lastAnswerNanos()),
                    millis(drained - result.lastByteNanos()),
                    over[1],
                    node.awaitExit());
        }
    }

    private static void awaitAllInside(NodeProcess node, int uploads) throws IOException, InterruptedException {
        long until = System.nanoTime() + Duration.ofMinutes(3).toNanos();
        int inside = counted(node.http("GET", "/drain").body());
        while (inside < uploads) {
            if (System.nanoTime() - until > 0) {
                throw new IOException("only " + inside + " of " + uploads + " uploads are inside");
            }
            inside = counted(node.http("GET", "/drain").body());
        }
    }

    private static int counted(String status) throws IOException {
        Matcher uploads = UPLOADS.matcher(status);
        if (!uploads.find()) {
            throw new IOException("no status: " + status);
        }
        return Integer.parseInt(uploads.group(1));
    }

    private static void requireStatus(HttpResponse<String> answer, int wanted) throws IOException {
        if (answer.statusCode() != wanted) {
            throw new IOException("status " + answer.statusCode() + ": " + answer.body());
        }
    }

    private static double millis(long nanos) {
        return nanos / 1e6;
    }

    private static double median(double[] values) {
        double[] sorted = values.clone();
        Arrays.sort(sorted);
        return sorted[sorted.length / 2];
    }
}
