package io.tomcatdrain.valve;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.tomcatdrain.testkit.Http11Client;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import org.junit.jupiter.api.Test;

/** A request that is no upload allocates nothing beyond what Tomcat allocates for it without the valve. */
class AllocationIT {
    private static final int ROUNDS = 7;
    private static final int BATCHES = 60;

    /** Sent at once: whether Tomcat waits for the next request, which costs bytes, must not depend on who runs when. */
    private static final int PIPELINED = 50;

    /** What two medians of the same server differ by on a busy machine. */
    private static final long MOST = 8;

    private static final byte[] GETS =
            Http11Client.head("GET", "/app/ok").repeat(PIPELINED).getBytes(StandardCharsets.US_ASCII);

    @Test
    void plainRequestAllocatesNothing() throws Exception {
        assumeTrue(
                ManagementFactory.getThreadMXBean() instanceof com.sun.management.ThreadMXBean threads
                        && threads.isThreadAllocatedMemorySupported()
                        && threads.isThreadAllocatedMemoryEnabled(),
                "this JVM does not count what threads allocate");
        long[] with = new long[ROUNDS];
        long[] without = new long[ROUNDS];
        try (TestServer bare = TestServer.bare().start();
                TestServer drained = TestServer.with(TestServer.Position.ENGINE).start();
                var toBare = new Http11Client(bare.port());
                var toDrained = new Http11Client(drained.port())) {
            unlimited(bare);
            unlimited(drained);
            measure(toBare);
            measure(toDrained);
            for (int i = 0; i < ROUNDS; i++) {
                without[i] = measure(toBare);
                with[i] = measure(toDrained);
            }
        }
        assertThat(median(with) - median(without))
                .as("with %s, without %s", Arrays.toString(with), Arrays.toString(without))
                .isLessThanOrEqualTo(MOST);
    }

    private static void unlimited(TestServer server) {
        server.tomcat().getConnector().setProperty("maxKeepAliveRequests", "-1");
    }

    /** Returns what Tomcat's threads allocate for one request, in the mean. */
    private static long measure(Http11Client client) throws IOException {
        long before = allocated();
        for (int i = 0; i < BATCHES; i++) {
            client.send(GETS);
            for (int j = 0; j < PIPELINED; j++) {
                if (client.answer().status() != 200) {
                    throw new IOException("not served");
                }
            }
        }
        return (allocated() - before) / (BATCHES * PIPELINED);
    }

    private static long allocated() {
        var threads = (com.sun.management.ThreadMXBean) ManagementFactory.getThreadMXBean();
        long sum = 0;
        for (Thread thread : Thread.getAllStackTraces().keySet()) {
            if (thread.getName().startsWith("http-nio-")) {
                sum += threads.getThreadAllocatedBytes(thread.getId());
            }
        }
        return sum;
    }

    private static long median(long[] values) {
        long[] sorted = values.clone();
        Arrays.sort(sorted);
        return sorted[sorted.length / 2];
    }
}
