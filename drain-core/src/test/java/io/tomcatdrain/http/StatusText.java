package io.tomcatdrain.http;

import io.tomcatdrain.DrainStatus;

/** Lets tests of other packages see a status as the endpoints send it. */
public final class StatusText {
    private StatusText() {}

    public static byte[] of(DrainStatus status) {
        return StatusJson.utf8(StatusJson.of(status));
    }
}
