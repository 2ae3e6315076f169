package io.tomcatdrain.scale;

import io.tomcatdrain.DrainSettings;
import io.tomcatdrain.DrainState;
import io.tomcatdrain.NodeDrain;
import io.tomcatdrain.Ticket;
import io.tomcatdrain.UploadSource;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.LongSupplier;
import java.util.logging.Level;
import java.util.logging.Logger;
import org.openjdk.jol.info.GraphLayout;

/** Measures what uploads cost the drain itself, without a server, as they grow in number. */
public final class RegistryGrowth {
    private static final int ROUNDS = 101;

    /** Kept, as its level is forgotten with it. */
    private static final Logger LOG = Logger.getLogger("io.tomcatdrain");

    private RegistryGrowth() {}

    /** Measures with 100, 1,000 and 10,000 uploads. */
    public static void main(String[] arguments) throws Exception {
        LOG.setLevel(Level.OFF);
        for (int warmUp = 0; warmUp < 3; warmUp++) {
            measure(10_000);
        }
        System.out.println("uploads  enter ns  status ms  start ms  close ns  bytes each");
        for (int uploads : new int[] {100, 1_000, 10_000}) {
            System.out.println(measure(uploads));
        }
    }

    private static String measure(int uploads) throws InterruptedException {
        double[] enter = new double[ROUNDS];
        double[] status = new double[ROUNDS];
        double[] start = new double[ROUNDS];
        double[] close = new double[ROUNDS];
        double bytes = 0;
        for (int round = 0; round < ROUNDS; round++) {
            NodeDrain drain = new NodeDrain("growth", DrainSettings.of(Map.of("lameDuck", "off")));
            long empty = round == 0 ? GraphLayout.parseInstance(drain).totalSize() : 0;
            List<UploadSource> sources = new ArrayList<>();
            for (int i = 0; i < uploads; i++) {
                sources.add(new Source("/upload/" + i, "203.0.113." + i % 256));
            }
            List<Ticket> tickets = new ArrayList<>(uploads);
            enter[round] = nanos(() -> {
                        for (UploadSource source : sources) {
                            tickets.add(drain.enterUpload(source));
                        }
                        return tickets.size();
                    })
                    / uploads;
            if (round == 0) {
                bytes = (double) (GraphLayout.parseInstance(drain).totalSize() - empty) / uploads;
            }
            status[round] = nanos(() -> drain.status().uploads().size()) / 1e6;
            start[round] = nanos(() -> drain.start("growth").isDone() ? 0 : 1) / 1e6;
            close[round] = nanos(() -> {
                        tickets.forEach(Ticket::close);
                        return tickets.size();
                    })
                    / uploads;
            if (!drain.awaitDrained(Duration.ofSeconds(10)) || drain.state() != DrainState.DRAINED) {
                throw new IllegalStateException("not drained");
            }
        }
        return String.format(
                Locale.ROOT,
                "%7d  %8.0f  %9.2f  %8.2f  %8.0f  %10.0f",
                uploads,
                median(enter),
                median(status),
                median(start),
                median(close),
                bytes);
    }

    private static double nanos(LongSupplier work) {
        long begun = System.nanoTime();
        if (work.getAsLong() == 0) {
            throw new IllegalStateException("nothing was done");
        }
        return System.nanoTime() - begun;
    }

    private static double median(double[] values) {
        double[] sorted = values.clone();
        Arrays.sort(sorted);
        return sorted[sorted.length / 2];
    }

    /** An upload with the fields that the valve's has. */
    private static final class Source implements UploadSource {
        private final Object request = this;
        private final long startNanos = System.nanoTime();
        private final String method = "POST";
        private final String path;
        private final String remote;
        private final long contentLength = 1_000_000;
        private volatile long lastBytes;

        Source(String path, String remote) {
            this.path = path;
            this.remote = remote;
        }

        @Override
        public String method() {
            return method;
        }

        @Override
        public String path() {
            return path;
        }

        @Override
        public String remote() {
            return remote;
        }

        @Override
        public long contentLength() {
            return contentLength;
        }

        @Override
        public long bytesReceived() {
            lastBytes = System.nanoTime();
            return lastBytes;
        }

        @Override
        public boolean isBodyComplete() {
            return false;
        }

        @Override
        public boolean isGone() {
            return request != this || startNanos == 0;
        }
    }
}
