package io.tomcatdrain.valve;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.tomcatdrain.Drain;
import io.tomcatdrain.DrainReport;
import io.tomcatdrain.Patience;
import io.tomcatdrain.testkit.App;
import io.tomcatdrain.testkit.Http11Client;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.logging.Handler;
import java.util.logging.Level;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import org.apache.catalina.core.StandardContext;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A handler of our log that hangs for ever, or throws, holds no request and no stop. */
class HostileLogIT {
    private static final Logger OURS = Logger.getLogger("io.tomcatdrain");

    private final CountDownLatch release = new CountDownLatch(1);

    /** Says nothing further, and does what it is told with each line. */
    private final class Hostile extends Handler {
        private final boolean hangs;

        Hostile(boolean hangs) {
            this.hangs = hangs;
            setLevel(Level.INFO);
        }

        @Override
        public void publish(LogRecord line) {
            if (!hangs) {
                throw new AssertionError("on purpose");
            }
            try {
                release.await();
            } catch (InterruptedException interrupted) {
                Thread.currentThread().interrupt();
            }
        }

        @Override
        public void flush() {}

        @Override
        public void close() {}
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    @Timeout(120)
    void holdsNoRequestAndNoStop(boolean hangs) throws Exception {
        Handler hostile = new Hostile(hangs);
        TestServer server = TestServer.with(TestServer.Position.ENGINE)
                .set("requestTimeout", "100ms")
                .customize(each -> ((StandardContext) each.context()).setUnloadDelay(100))
                .customize(each -> each.valve().onlyReadyIf(() -> {
                    throw new IllegalStateException("on purpose");
                }))
                .start();
        OURS.addHandler(hostile);
        try (server;
                var first = new Http11Client(server.port());
                var second = new Http11Client(server.port())) {
            // What the adapter asks of others fails, and is to be logged.
            assertThat(Http11Client.get(server.port(), "/drain/ready").status()).isEqualTo(200);
            assertThat(Http11Client.get(server.port(), "/app/ok").status()).isEqualTo(200);
            Drain drain = server.drain();
            never(server, first, "first");
            assertThat(drain.start("test").get(1, TimeUnit.MINUTES).outcome()).isEqualTo(DrainReport.Outcome.EXPIRED);
            assertThat(Http11Client.get(server.port(), "/app/ok").status()).isEqualTo(503);
            drain.resume();

            never(server, second, "second");
            server.context().stop(); // with requests in flight, of which it warns
            server.tomcat().stop();
        } finally {
            OURS.removeHandler(hostile);
            release.countDown();
        }
        await().until(() -> {
            AtomicBoolean called = new AtomicBoolean();
            Patience.call(() -> called.set(true));
            return called.get(); // nothing hangs any more, for the tests that come
        });
    }

    private static void never(TestServer server, Http11Client client, String key) throws Exception {
        client.send(Http11Client.head("GET", "/app/async/never", App.KEY + ": " + key));
        server.app().awaitEntered(key);
    }
}
