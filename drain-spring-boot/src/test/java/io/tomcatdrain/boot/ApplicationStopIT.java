package io.tomcatdrain.boot;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatException;
import static org.awaitility.Awaitility.await;

import io.tomcatdrain.Drain;
import io.tomcatdrain.DrainLimits;
import io.tomcatdrain.DrainReport;
import io.tomcatdrain.DrainState;
import io.tomcatdrain.boot.Client.Upload;
import io.tomcatdrain.valve.DrainValve;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.net.ConnectException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.logging.Handler;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.boot.availability.AvailabilityChangeEvent;
import org.springframework.boot.availability.ReadinessState;
import org.springframework.context.SmartLifecycle;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.event.ContextClosedEvent;
import org.springframework.context.event.EventListener;
import org.springframework.context.support.GenericApplicationContext;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RestController;
import org.springframework.web.context.request.async.DeferredResult;
import org.springframework.web.servlet.mvc.method.annotation.SseEmitter;

/** The order of a stop: first the drain, then everything else. */
@Timeout(value = 5, unit = TimeUnit.MINUTES)
class ApplicationStopIT {

    /** Spring waits a millisecond for the parts of a phase: whatever takes longer than the first look at the drain is over that limit. */
    private static final String NO_PATIENCE = "spring.lifecycle.timeout-per-shutdown-phase=1ms";

    @Test
    void anAcceptedUploadIsFinishedBeforeAnythingElseStops() throws Exception {
        var application = TestApp.started(new Class<?>[] {TestApp.class, Witnesses.class}, NO_PATIENCE);
        var witnesses = application.getBean(Witnesses.class);
        var drain = application.getBean(Drain.class);
        int port = TestApp.port(application);
        try (var upload = new Upload(port)) {
            awaitUpload(drain);
            var closed = CompletableFuture.runAsync(application::close);
            await().until(() -> drain.state() == DrainState.DRAINING);
            assertThat(Client.get(port, "/page")).contains(" 503 ").contains("X-Drain: refused");
            // The application's listeners know that it goes; nothing that is not theirs has stopped.
            await().until(() -> !witnesses.seen.isEmpty());
            assertThat(witnesses.seen).containsExactly("context closed: DRAINING");
            assertThat(upload.finish()).contains(" 200 ").endsWith("bytes=100");
            closed.get();
        }
        assertThat(drain.state()).isEqualTo(DrainState.DRAINED);
        assertThat(witnesses.seen).containsExactly("context closed: DRAINING", "last phase stopped: DRAINED");
    }

    /** Without a time limit of their own, they would hold the drain until its limits. */
    @ParameterizedTest
    @ValueSource(strings = {"/poll", "/stream"})
    void whatTheApplicationCompletesAtItsCloseHoldsNothing(String path) throws Exception {
        var application = TestApp.started(new Class<?>[] {TestApp.class, Endless.class}, "drain.request-timeout=5m");
        var drain = application.getBean(Drain.class);
        var endless = application.getBean(Endless.class);
        var answer = CompletableFuture.supplyAsync(() -> Client.get(TestApp.port(application), path));
        await().until(() -> endless.polls.size() + endless.streams.size() == 1);
        application.close();
        assertThat(drain.status().report().outcome()).isEqualTo(DrainReport.Outcome.DRAINED);
        assertThat(answer.get()).contains(" 200 ");
    }

    @Test
    void aFaultyListenerOfTheApplicationCutsNoUpload() throws Exception {
        var application = TestApp.started(new Class<?>[] {TestApp.class, Faulty.class}, NO_PATIENCE);
        var drain = application.getBean(Drain.class);
        try (var upload = new Upload(TestApp.port(application))) {
            awaitUpload(drain);
            var closed = CompletableFuture.runAsync(application::close);
            await().until(() -> drain.state() == DrainState.DRAINING);
            assertThat(upload.finish()).contains(" 200 ");
            closed.get();
        }
        assertThat(drain.state()).isEqualTo(DrainState.DRAINED);
    }

    @Configuration(proxyBeanMethods = false)
    static class Faulty {
        @EventListener
        void closed(ContextClosedEvent event) {
            throw new IllegalStateException("on purpose");
        }
    }

    /** Answers that end when the application says so. */
    @RestController
    static class Endless {
        private final List<DeferredResult<String>> polls = new CopyOnWriteArrayList<>();
        private final List<SseEmitter> streams = new CopyOnWriteArrayList<>();

        @GetMapping("/poll")
        DeferredResult<String> poll() {
            var poll = new DeferredResult<String>(0L);
            polls.add(poll);
            return poll;
        }

        @GetMapping("/stream")
        SseEmitter stream() {
            var stream = new SseEmitter(0L);
            streams.add(stream);
            return stream;
        }

        @EventListener
        void closed(ContextClosedEvent event) {
            polls.forEach(poll -> poll.setResult("nothing new"));
            streams.forEach(SseEmitter::complete);
        }
    }

    @Test
    void whatNeedsTheTaskExecutorIsServedInTheLameDuck() throws Exception {
        var application = TestApp.started("drain.lame-duck=10m");
        var drain = application.getBean(Drain.class);
        var closed = CompletableFuture.runAsync(application::close);
        await().until(() -> drain.state() == DrainState.LAME_DUCK);
        assertThat(Client.get(TestApp.port(application), "/async"))
                .contains(" 200 ")
                .contains("async");
        endLameDuck(drain);
        closed.get();
    }

    @Test
    void anUploadOutlivesTheTimeLimitOfSpringWhenOnlyTheContextIsStoppedAndTheNextStartServesAgain() throws Exception {
        try (var application = TestApp.started(NO_PATIENCE)) {
            var drain = application.getBean(Drain.class);
            try (var upload = new Upload(TestApp.port(application))) {
                awaitUpload(drain);
                var stopped = CompletableFuture.runAsync(application::stop);
                await().until(() -> drain.state() == DrainState.DRAINING);
                assertThat(upload.finish()).contains(" 200 ");
                stopped.get();
            }
            assertThat(drain.state()).isEqualTo(DrainState.DRAINED);
            application.start();
            assertThat(drain.state()).isEqualTo(DrainState.SERVING);
            assertThat(Client.status(TestApp.port(application), "/page")).isEqualTo(200);
        }
    }

    @Test
    void closedListenersAreOpenAgainAfterTheNextStartAndClosedAgainByTheNextDrain() throws Exception {
        try (var application = TestApp.started("drain.close-listener=true", "drain.lame-duck=off")) {
            var drain = application.getBean(Drain.class);
            for (int times = 1; times <= 2; times++) {
                try (var upload = new Upload(TestApp.port(application))) {
                    awaitUpload(drain);
                    var stopped = CompletableFuture.runAsync(application::stop);
                    await().until(() -> drain.state() == DrainState.DRAINING);
                    assertThatException()
                            .as("the listener is closed")
                            .isThrownBy(() -> Client.get(TestApp.port(application), "/page"))
                            .withRootCauseInstanceOf(ConnectException.class);
                    assertThat(upload.finish()).contains(" 200 ");
                    stopped.get();
                }
                application.start();
                assertThat(drain.state()).isEqualTo(DrainState.SERVING);
                int port = TestApp.port(application);
                assertThat(Client.status(port, "/page")).isEqualTo(200);
                assertThat(Client.status(port, "/drain/ready")).isEqualTo(200);
                await().until(() -> Client.status(port, "/actuator/health/readiness") == 200);
            }
        }
    }

    @Test
    void listenersThatAnOperatorsDrainHasClosedAreOpenAgainAfterTheNextStart() throws Exception {
        try (var application =
                TestApp.started("drain.close-listener=true", "drain.lame-duck=off", "drain.drain-on-stop=false")) {
            var drain = application.getBean(Drain.class);
            drain.start("test").get();
            application.stop();
            application.start();
            assertThat(drain.state()).isEqualTo(DrainState.SERVING);
            assertThat(Client.status(TestApp.port(application), "/page")).isEqualTo(200);
        }
    }

    @Test
    void whatCannotServeAgainSaysSoAndStartsAllTheSame() {
        var console = System.out;
        var output = new ByteArrayOutputStream();
        System.setOut(new PrintStream(output, true, StandardCharsets.UTF_8));
        try (var application = TestApp.started()) {
            application.stop();
            application.getBean(DrainValve.class).drainBeforeStop("test");
            application.start();
            assertThat(application.isRunning()).isTrue();
            assertThat(Client.status(TestApp.port(application), "/page")).isEqualTo(503);
            assertThat(output.toString(StandardCharsets.UTF_8).lines())
                    .filteredOn(line -> line.contains("goes on refusing requests"))
                    .singleElement()
                    .asString()
                    .contains("WARN", "the server is stopping. Restart the application");
        } finally {
            System.setOut(console);
        }
    }

    @Test
    void theLogOutlivesTheHandlersThatTheJvmTakesAwayAtSigterm() {
        var root = Logger.getLogger("");
        var lines = new CopyOnWriteArrayList<String>();
        var bridge = bridgeTo(lines);
        root.addHandler(bridge);
        try {
            var application = TestApp.started();
            root.removeHandler(bridge);
            application.close();
            // The drain's lines are written on a thread of their own, for which a stop does not wait for ever.
            await().until(() -> lines.stream().anyMatch(line -> line.contains("DRAINED")));
        } finally {
            root.removeHandler(bridge);
        }
    }

    @Test
    void theLogOutlivesAStopOfTheContextThatIsStartedAgain() {
        var root = Logger.getLogger("");
        var bridge = bridgeTo(new CopyOnWriteArrayList<>());
        root.addHandler(bridge);
        try (var application = TestApp.started()) {
            var before = List.of(root.getHandlers());
            application.stop();
            root.removeHandler(bridge); // as Spring Boot does with its own, in a phase of its own
            application.start();
            assertThat(root.getHandlers()).contains(bridge).containsExactlyInAnyOrderElementsOf(before);
        } finally {
            root.removeHandler(bridge);
        }
    }

    private static Handler bridgeTo(List<String> lines) {
        return new Handler() {
            @Override
            public void publish(LogRecord line) {
                lines.add(String.valueOf(line.getMessage()));
            }

            @Override
            public void flush() {}

            @Override
            public void close() {}
        };
    }

    @Test
    void drainOnStopFalseLeavesTheStopToSpring() {
        var application = TestApp.started("drain.drain-on-stop=false");
        var drain = application.getBean(Drain.class);
        application.close();
        assertThat(drain.state()).isEqualTo(DrainState.SERVING);
    }

    @Test
    void theCloseOfAnotherContextIsNoStop() {
        try (var application = TestApp.started("management.server.port=0")) {
            var drain = application.getBean(Drain.class);
            try (var child = new GenericApplicationContext(application)) {
                child.refresh();
            }
            assertThat(drain.state()).isEqualTo(DrainState.SERVING);
        }
    }

    @Test
    void anApplicationThatRefusesByItselfGoesOnRefusingAfterAResume() {
        try (var application = TestApp.started("drain.lame-duck=10m", "drain.drain-on-stop=false")) {
            var drain = application.getBean(Drain.class);
            int port = TestApp.port(application);
            AvailabilityChangeEvent.publish(application, ReadinessState.REFUSING_TRAFFIC);
            var unused = drain.start("test");
            drain.resume();
            // Whatever the drain's listener does, it does soon.
            await().during(Duration.ofMillis(500))
                    .until(() -> Client.status(port, "/actuator/health/readiness") == 503);
        }
    }

    static void awaitUpload(Drain drain) {
        await().until(() -> drain.status().inFlight().uploads() == 1);
    }

    static void endLameDuck(Drain drain) {
        var unused = drain.start("test", new DrainLimits(Duration.ZERO, null));
    }

    /** Parts of an application that stop with it; each notes what the drain had come to. */
    @Configuration(proxyBeanMethods = false)
    static class Witnesses {
        private final List<String> seen = new CopyOnWriteArrayList<>();

        @EventListener
        void closed(ContextClosedEvent event) {
            note("context closed", event.getApplicationContext().getBean(Drain.class));
        }

        private void note(String what, Drain drain) {
            seen.add(what + ": " + drain.state());
        }

        @Bean
        static SmartLifecycle firstToStop(Drain drain, Witnesses witnesses) {
            return new SmartLifecycle() {
                private volatile boolean running;

                @Override
                public void start() {
                    running = true;
                }

                @Override
                public void stop() {
                    running = false;
                    witnesses.note("last phase stopped", drain);
                }

                @Override
                public boolean isRunning() {
                    return running;
                }
            };
        }
    }
}
