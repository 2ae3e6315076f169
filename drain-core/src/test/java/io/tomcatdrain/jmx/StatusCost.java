package io.tomcatdrain.jmx;

import static org.awaitility.Awaitility.await;

import com.sun.management.ThreadMXBean;
import io.tomcatdrain.Drain;
import io.tomcatdrain.DrainSettings;
import io.tomcatdrain.http.StatusText;
import java.lang.management.ManagementFactory;
import java.time.Duration;
import java.util.Arrays;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Supplier;
import javax.management.MBeanServer;
import javax.management.ObjectName;

/**
 * Measures what looking at a drain costs with 10,000 uploads under way, and what it costs the requests. A program to be run by hand,
 * no test: what is fast on one machine is slow on another.
 */
final class StatusCost {
    private static final int UPLOADS = 10_000;
    private static final int ROUNDS = 301;
    private static final long WARM_UP = 20_000_000;
    private static final long COUNTED = 50_000_000;

    private StatusCost() {}

    @SuppressWarnings("try") // the registration need not be named
    public static void main(String[] arguments) throws Exception {
        Drain drain = new Drain("cost", DrainSettings.defaults());
        for (int i = 0; i < UPLOADS; i++) {
            drain.enterUpload(new FixedUpload("/upload/" + i, i, 1_000_000));
        }
        MBeanServer server = ManagementFactory.getPlatformMBeanServer();
        ObjectName name = DrainRegistration.objectName("cost");
        try (DrainRegistration registration = DrainRegistration.register(drain)) {
            print("status()", drain::status);
            print("summary()", drain::summary);
            print("status JSON", () -> StatusText.of(drain.status()));
            print("JMX State", () -> read(server, name, "State"));
            print("JMX UploadBytes", () -> read(server, name, "UploadBytes"));
            print("JMX ActiveUploads", () -> read(server, name, "ActiveUploads"));
            long alone = requestsPerSecond(drain, () -> {});
            long watched = requestsPerSecond(drain, drain::status);
            print("enter and close per second, nobody looking: " + alone + ", status() in a loop beside it: "
                    + watched);
        }
        System.exit(0);
    }

    private static Object read(MBeanServer server, ObjectName name, String attribute) {
        try {
            return server.getAttribute(name, attribute);
        } catch (javax.management.JMException e) {
            throw new IllegalStateException(e);
        }
    }

    private static void print(String what, Supplier<Object> look) {
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        long[] nanos = new long[ROUNDS];
        long allocated = 0;
        for (int warmUp = 0; warmUp < 3; warmUp++) {
            for (int i = 0; i < ROUNDS; i++) {
                long bytes = threads.getCurrentThreadAllocatedBytes();
                long start = System.nanoTime();
                Object seen = look.get();
                nanos[i] = System.nanoTime() - start;
                allocated = threads.getCurrentThreadAllocatedBytes() - bytes;
                if (seen == null) {
                    throw new IllegalStateException(what);
                }
            }
        }
        Arrays.sort(nanos);
        print(what + ": median " + nanos[ROUNDS / 2] / 1000 + " us, worst of " + ROUNDS + " " + nanos[ROUNDS - 1] / 1000
                + " us, " + allocated / UPLOADS + " bytes allocated per upload");
    }

    private static long requestsPerSecond(Drain drain, Runnable beside) throws InterruptedException {
        AtomicBoolean over = new AtomicBoolean();
        LongAdder done = new LongAdder();
        Thread requests = new Thread(() -> {
            while (!over.get()) {
                drain.enterRequest().close();
                done.increment();
            }
        });
        Thread watcher = new Thread(() -> {
            while (!over.get()) {
                beside.run();
            }
        });
        requests.start();
        watcher.start();
        await().until(() -> done.sum() > WARM_UP);
        long before = done.sum();
        long start = System.nanoTime();
        await().atMost(Duration.ofMinutes(2)).until(() -> done.sum() - before > COUNTED);
        long counted = done.sum() - before;
        long nanos = System.nanoTime() - start;
        over.set(true);
        requests.join();
        watcher.join();
        return counted * 1000 / TimeUnit.NANOSECONDS.toMillis(nanos);
    }

    private static void print(String line) {
        System.out.println(line);
    }
}
