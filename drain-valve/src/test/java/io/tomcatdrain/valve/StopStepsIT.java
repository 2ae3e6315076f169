package io.tomcatdrain.valve;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.tomcatdrain.DrainState;
import io.tomcatdrain.testkit.Background;
import io.tomcatdrain.testkit.Http11Client;
import io.tomcatdrain.testkit.SlowUpload;
import io.tomcatdrain.valve.Line.Protocol;
import java.io.IOException;
import java.net.ConnectException;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.apache.catalina.Lifecycle;
import org.apache.catalina.LifecycleEvent;
import org.apache.catalina.connector.Connector;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * What a client meets at each step of a stop, from the moment when nothing is in flight to the last event of the last part of the server:
 * an answer, a kernel that refuses the connection, or a kept connection that was closed before the client sent on it.
 */
@Timeout(180)
class StopStepsIT {
    @BeforeAll
    static void quiet() {
        TestServer.beQuiet();
    }

    @ParameterizedTest
    @EnumSource(Protocol.class)
    void aDrainThatIsOverRefusesOnKeptAndOnFreshConnections(Protocol protocol) throws Exception {
        try (TestServer server = TestServer.with(TestServer.Position.ENGINE).start();
                Line kept = protocol.connect(server)) {
            assertThat(kept.upload().status()).isEqualTo(200);
            server.drain().start("test").get(60, TimeUnit.SECONDS);
            if (protocol == Protocol.HTTP_2) {
                await().until(() -> !kept.isReusable()); // a GOAWAY has said so, without a request
            } else {
                assertThat(kept.upload().status()).isEqualTo(503);
            }
            try (Line fresh = protocol.connect(server)) {
                assertThat(fresh.upload().status()).isEqualTo(503);
                // mod_jk keeps what it may use when the node resumes.
                await().until(() -> fresh.isReusable() == (protocol == Protocol.AJP));
            }
        }
    }

    /** The stop's own thread looks at each event, so that no step is missed and none is met by luck. */
    @Test
    void behindTheDrainKeptConnectionsAreClosedAndTheKernelRefusesFreshOnesAtEachStep() throws Exception {
        List<String> wrong = new ArrayList<>();
        List<String> steps = new ArrayList<>();
        Map<Protocol, Line> kept = new EnumMap<>(Protocol.class);
        try (TestServer server = TestServer.with(TestServer.Position.ENGINE).start()) {
            int port = server.port();
            int ajpPort = server.ajpPort();
            for (Protocol protocol : Protocol.values()) {
                Line line = protocol.connect(server);
                kept.put(protocol, line);
                assertThat(line.upload().status()).isEqualTo(200);
            }
            listenToAllStops(server, event -> {
                steps.add(event.getLifecycle().getClass().getSimpleName() + " " + event.getType());
                for (Protocol protocol : Protocol.values()) {
                    String met = meet(protocol, kept.remove(protocol), port, ajpPort);
                    if (!met.isEmpty()) {
                        wrong.add(steps.get(steps.size() - 1) + ", " + protocol + ": " + met);
                    }
                }
            });
            server.tomcat().stop();
            for (Protocol protocol : Protocol.values()) {
                assertThatThrownBy(() -> protocol.connect(port, ajpPort)).isInstanceOf(ConnectException.class);
            }
        }
        assertThat(wrong).isEmpty();
        assertThat(steps)
                .startsWith("StandardServer before_stop")
                .contains("StandardService before_stop", "StandardEngine before_stop", "StandardContext after_stop")
                .contains("Connector before_stop", "Connector after_stop", "StandardService after_stop")
                .endsWith("StandardServer after_stop");
    }

    /** Looks behind each listener of ours, which were there before. */
    private static void listenToAllStops(TestServer server, java.util.function.Consumer<LifecycleEvent> look) {
        List<Lifecycle> parts = new ArrayList<>(List.of(
                server.tomcat().getServer(),
                server.tomcat().getService(),
                server.tomcat().getEngine(),
                server.tomcat().getHost(),
                server.context()));
        for (Connector connector : server.tomcat().getService().findConnectors()) {
            parts.add(connector);
        }
        for (Lifecycle part : parts) {
            part.addLifecycleListener(event -> {
                if (event.getType().equals(Lifecycle.BEFORE_STOP_EVENT)
                        || event.getType().equals(Lifecycle.AFTER_STOP_EVENT)) {
                    look.accept(event);
                }
            });
        }
    }

    /** Returns what is wrong about what a client of this protocol meets now; nothing if all is well. */
    private static String meet(Protocol protocol, Line kept, int port, int ajpPort) {
        try {
            if (kept != null && !kept.isClosedByServer()) {
                return "its kept connection is open";
            }
        } catch (IOException | RuntimeException fault) {
            return "of its kept connection: " + fault;
        }
        try (Line fresh = protocol.connect(port, ajpPort)) {
            return "connected, and got " + fresh.upload();
        } catch (ConnectException refused) {
            return "";
        } catch (IOException lost) {
            return "lost its request: " + lost;
        }
    }

    /**
     * A head that is never finished makes the last step of the drain as long as it may be. Meanwhile clients send without a pause, over
     * connections that they keep for as long as they may and over fresh ones.
     */
    @ParameterizedTest
    @EnumSource(Protocol.class)
    void whileTheStopEndsEveryUploadIsAnsweredOrWasNeverTaken(Protocol protocol) throws Exception {
        try (TestServer server = TestServer.with(TestServer.Position.ENGINE).start();
                Http11Client slowHead = new Http11Client(server.otherPort())) {
            int port = server.port();
            int ajpPort = server.ajpPort();
            slowHead.send("GET /app/ok HTTP/1.1\r\nHost: local");
            SlowUpload holder = SlowUpload.begin(server, "/app/upload");
            Background<Void> stop = Background.run(server.tomcat()::stop);
            await().until(() -> server.drain().state() == DrainState.DRAINING);
            CountDownLatch sending = new CountDownLatch(3);
            List<Background<String>> clients = new ArrayList<>();
            Accepted accepted = Accepted.by(server);
            for (int i = 0; i < 3; i++) {
                clients.add(Background.call(
                        () -> Line.uploadUntilRefused(protocol, port, ajpPort, sending::countDown, accepted)));
            }
            assertThat(sending.await(1, TimeUnit.MINUTES)).isTrue();
            holder.finishWhole();
            for (Background<String> client : clients) {
                assertThat(client.result()).isEmpty();
            }
            stop.result();
        }
    }
}
