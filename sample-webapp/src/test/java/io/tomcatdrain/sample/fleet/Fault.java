package io.tomcatdrain.sample.fleet;

import io.tomcatdrain.testkit.AjpClient;
import io.tomcatdrain.testkit.Http11Client;
import io.tomcatdrain.testkit.Http2Client;
import io.tomcatdrain.testkit.fleet.UploadForm;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.util.Arrays;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/** What a client does wrong. What becomes of its request is its own affair; the others must not notice it. */
enum Fault {
    /** A byte of the head now and then. */
    SLOW_HEAD {
        @Override
        void commit(Place place) throws IOException, InterruptedException {
            try (var client = new Http11Client(place.anyPort())) {
                var head = UPLOAD + "X-Slow: " + "s".repeat(100);
                long untilNanos = place.patience();
                for (int i = 0; i < head.length() && place.goesOn(untilNanos); i++) {
                    client.send(head.substring(i, i + 1));
                    place.pause(100);
                }
            }
        }
    },
    /** A byte of the body now and then. */
    SLOW_BODY {
        @Override
        void commit(Place place) throws IOException, InterruptedException {
            try (var client = new Http11Client(place.anyPort())) {
                client.send(UPLOAD + LENGTH);
                long untilNanos = place.patience();
                while (place.goesOn(untilNanos)) {
                    client.send("s");
                    place.pause(200);
                }
            }
        }
    },
    /** Half a body, and then nothing on a connection that stays open. */
    STOPS_IN_THE_MIDDLE {
        @Override
        void commit(Place place) throws IOException, InterruptedException {
            try (var client = new Http11Client(place.anyPort())) {
                client.send(UPLOAD + LENGTH).send(new byte[HALF]);
                place.pause(place.random().nextInt(LONGEST_MILLIS));
            }
        }
    },
    /** A FIN in the middle of the body. */
    HALF_CLOSED {
        @Override
        void commit(Place place) throws IOException {
            try (var client = new Http11Client(place.anyPort())) {
                client.send(UPLOAD + LENGTH).send(new byte[HALF]);
                client.socket().shutdownOutput();
                var unused = client.isClosedWithin(LONGEST_MILLIS);
            }
        }
    },
    /** A reset in the middle of the body, or when the answer is due. */
    RESET {
        @Override
        void commit(Place place) throws IOException, InterruptedException {
            try (var client = new Http11Client(place.anyPort())) {
                if (place.random().nextBoolean()) {
                    client.send(UPLOAD + LENGTH).send(new byte[HALF]);
                } else {
                    client.send(UPLOAD + "Content-Length: 4\r\n\r\nbody");
                }
                place.pause(place.random().nextInt(50));
                client.reset();
            }
        }
    },
    /** Far more answers than the buffers on their way can hold, of which none is read. */
    NEVER_READS {
        @Override
        void commit(Place place) throws IOException, InterruptedException {
            try (var socket = new Socket()) {
                socket.setReceiveBufferSize(1024);
                socket.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), place.anyPort()), 5_000);
                try (var client = new Http11Client(socket)) {
                    client.send(Http11Client.head("GET", "/vendor/tus.min.js").repeat(100));
                    place.pause(place.random().nextInt(LONGEST_MILLIS));
                }
            }
        }
    },
    /** Streams that are reset in the middle of their bodies, on one connection. */
    HTTP2_RESET {
        @Override
        void commit(Place place) throws IOException, InterruptedException {
            try (var client = new Http2Client(place.http2Port())) {
                for (int i = 0; i < 5; i++) {
                    int stream = client.upload("/upload", "multipart/form-data; boundary=b", 2 * HALF);
                    var unused = client.data(stream, new byte[HALF], false);
                    place.pause(place.random().nextInt(100));
                    client.cancel(stream);
                }
            }
        }
    },
    /** Streams that are reset as soon as they are opened, by the hundred (CVE-2023-44487). */
    HTTP2_RAPID_RESET {
        @Override
        void commit(Place place) throws IOException {
            try (var client = new Http2Client(place.http2Port())) {
                for (int i = 0; i < 300; i++) {
                    client.cancel(
                            i % 2 == 0
                                    ? client.request("GET", "/page?ms=50", true)
                                    : client.upload("/upload", "multipart/form-data; boundary=b", HALF));
                }
            }
        }
    },
    /** An AJP connection that ends in the middle of a body, by FIN or by reset. */
    AJP_ABORT {
        @Override
        void commit(Place place) throws IOException, InterruptedException {
            try (var client = new AjpClient(place.ajpPort())) {
                client.upload("/upload", "multipart/form-data; boundary=b", 4 * HALF)
                        .body(new byte[8_000]);
                place.pause(place.random().nextInt(500));
                if (place.random().nextBoolean()) {
                    client.fin();
                } else {
                    client.reset();
                }
            }
        }
    },
    /** A good form for an application whose temporary folder is full. */
    DISK_FULL {
        @Override
        void commit(Place place) throws IOException {
            var form = UploadForm.random(place.random(), 300_000);
            try (var client = new Http11Client(place.port())) {
                client.send(Http11Client.head(
                        "POST",
                        "/full/upload",
                        "Connection: close",
                        "Content-Type: " + form.contentType(),
                        "Content-Length: " + form.length()));
                client.send(form.head())
                        .send(form.fileSource(), form.fileOffset(), form.fileSize())
                        .send(form.tail());
                if (client.answer().status() == 200) {
                    throw new AssertionError("an upload found room on a disk that is full");
                }
            }
        }
    };

    private static final String UPLOAD =
            "POST /upload HTTP/1.1\r\nHost: localhost\r\nContent-Type: multipart/form-data; boundary=b\r\n";
    private static final int HALF = 50_000;
    private static final String LENGTH = "Content-Length: " + 2 * HALF + "\r\n\r\n";
    private static final int LONGEST_MILLIS = 8_000;

    /** Does it once. */
    abstract void commit(Place place) throws IOException, InterruptedException;

    /** Where it is done: before the front end, or at a node that stands behind it. Used by one thread. */
    record Place(int port, int[] directPorts, int[] ajpPorts, Random random, CountDownLatch end) {

        /** The front end's port twice as often as that of a node. */
        int anyPort() {
            return directPorts.length == 0 || random.nextInt(3) > 0 ? port : http2Port();
        }

        /** The port of a node's connector that speaks HTTP/2 too. */
        int http2Port() {
            return directPorts[random.nextInt(directPorts.length)];
        }

        int ajpPort() {
            return ajpPorts[random.nextInt(ajpPorts.length)];
        }

        /** For how long a slow client goes on; one in ten for longer than a node waits for other requests. */
        long patience() {
            int millis = random.nextInt(10) == 0 ? 2 * LONGEST_MILLIS : random.nextInt(LONGEST_MILLIS);
            return System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(millis);
        }

        boolean goesOn(long untilNanos) {
            return end.getCount() > 0 && System.nanoTime() < untilNanos;
        }

        void pause(int millis) throws InterruptedException {
            var unused = end.await(millis, TimeUnit.MILLISECONDS);
        }

        /** Whether a fault can be committed here; a full disk needs one. */
        boolean allows(Fault fault, boolean hasFullDisk) {
            return switch (fault) {
                case HTTP2_RESET, HTTP2_RAPID_RESET -> directPorts.length > 0;
                case AJP_ABORT -> ajpPorts.length > 0;
                case DISK_FULL -> hasFullDisk;
                default -> true;
            };
        }
    }

    /** How often each was committed, as one line. */
    static String counts(Map<Fault, Integer> counts) {
        return String.join(
                ", ",
                Arrays.stream(values())
                        .filter(counts::containsKey)
                        .map(fault -> fault + " " + counts.get(fault))
                        .toList());
    }
}
