package io.tomcatdrain.sample.fleet;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.parallel.ExecutionMode.CONCURRENT;

import io.tomcatdrain.sample.fleet.Figures.Sum;
import io.tomcatdrain.sample.fleet.RestartedSite.Restart;
import io.tomcatdrain.testkit.fleet.Exchange;
import io.tomcatdrain.testkit.fleet.FrontEnd;
import io.tomcatdrain.testkit.fleet.Load;
import io.tomcatdrain.testkit.fleet.Load.Profile;
import io.tomcatdrain.testkit.fleet.LongForm;
import io.tomcatdrain.testkit.fleet.Tally;
import io.tomcatdrain.testkit.fleet.TomcatNode;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ResourceLock;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Two real Tomcats are restarted in turn while clients, nodes and front end have every {@link Fault} and {@link Trouble}; what a healthy
 * client sends must arrive.
 *
 * <p>A quick form by default. {@code -Dfleet=faults} makes at least {@code -Dfleet.restarts=20} restarts and {@code -Dfleet.uploads=2000} uploads behind each
 * front end, and as many restarts of plain Tomcats under the same load; {@code -Dfleet.only=MOD_JK,ONE_MACHINE} takes these only. Each
 * restart is counted when it is over, so that a run that was cut short is continued by the next one, see {@link Figures}.
 */
@ResourceLock(providers = LongForm.class)
@Execution(CONCURRENT)
final class FaultsIT {
    private static final int RESTARTS = Integer.getInteger("fleet.restarts", 20);
    private static final int UPLOADS = Integer.getInteger("fleet.uploads", 2000);
    private static final Duration USE_LIMIT = Duration.ofMinutes(3);
    private static final Duration QUIET_LIMIT = Duration.ofMinutes(2);

    /** The faulty clients' limits: none of them may hold a stop for long. */
    private static final String LIMITS = " stallTimeout=\"5s\" requestTimeout=\"10s\" uploadTimeout=\"45s\"";

    /** mod_jk does not ask for readiness, and there is trouble for each phase. */
    private static final String LAME_DUCK = " lameDuck=\"3s\"";

    /** Enough clients that each stop endangers many uploads, and not so much data that two processors could not carry it. */
    private static final Profile UPLOADS_OF_MANY = new Profile(
            20, 100_000, 1 << 20, Duration.ofMillis(1500), Duration.ofMillis(4000), 6, Duration.ofMillis(150));

    /** What is restarted. */
    enum Row {
        MOD_JK(FrontEnd.MOD_JK),
        MOD_PROXY_HTTP(FrontEnd.MOD_PROXY_HTTP),
        NGINX_STREAMING(FrontEnd.NGINX_STREAMING),
        NGINX_BUFFERING(FrontEnd.NGINX_BUFFERING),
        HAPROXY(FrontEnd.HAPROXY),
        /** By hand-over, without a front end. */
        ONE_MACHINE(null);

        private final @Nullable FrontEnd frontEnd;

        Row(@Nullable FrontEnd frontEnd) {
            this.frontEnd = frontEnd;
        }

        /** With attributes of the valve besides the front end's own; null for Tomcats without it. */
        RestartedSite start(String name, @Nullable String limits, boolean everything) {
            if (frontEnd == null) {
                return new MachineSite(name, 11, limits);
            }
            return new FleetSite(
                    frontEnd, name, 11, limits == null ? null : frontEnd.valveAttributes() + limits, everything);
        }

        void needsFrontEnd() {
            if (frontEnd != null) {
                FleetIT.needs(frontEnd);
            }
        }

        /** Whether a node sees the later requests of a file after it has begun to drain. */
        boolean keepsFiles() {
            return frontEnd != null && !frontEnd.valveAttributes().contains("closeListener");
        }
    }

    static Stream<Row> askedFor() {
        return LongForm.FAULTS
                ? Stream.of(System.getProperty(
                                        "fleet.only",
                                        Stream.of(Row.values())
                                                .map(Enum::name)
                                                .reduce((a, b) -> a + "," + b)
                                                .orElseThrow())
                                .split(","))
                        .map(Row::valueOf)
                : Stream.empty();
    }

    @Test
    @Timeout(value = 15, unit = TimeUnit.MINUTES)
    void losesNothingOfHealthyClientsInTheShortForm() {
        Row.MOD_JK.needsFrontEnd();
        try (var site = Row.MOD_JK.start("faults", LIMITS + LAME_DUCK, false)) {
            var run = new Run(site, Row.MOD_JK.keepsFiles(), Profile.SHORT_UPLOADS);
            run.restarts(1, 1, (sum, losses) -> {});
            run.assertNothingLost();
        }
    }

    @ParameterizedTest(allowZeroInvocations = true)
    @MethodSource("askedFor")
    @Timeout(value = 12, unit = TimeUnit.HOURS)
    void losesNothingOfHealthyClients(Row row) {
        row.needsFrontEnd();
        atLength(row, row.name(), true);
    }

    /** What the same load loses without the valve. */
    @ParameterizedTest(allowZeroInvocations = true)
    @MethodSource("askedFor")
    @Timeout(value = 12, unit = TimeUnit.HOURS)
    void showsWhatPlainTomcatLoses(Row row) {
        row.needsFrontEnd();
        atLength(row, row.name() + ", plain Tomcat", false);
    }

    private static void atLength(Row row, String title, boolean drains) {
        var before = Figures.of(title);
        int restarts = RESTARTS - before.restarts();
        int uploads = drains ? UPLOADS - before.uploads() : 0;
        if (restarts > 0 || uploads > 0) {
            try (var site = row.start("faults-" + row + (drains ? "" : "-plain"), drains ? LIMITS : null, true)) {
                var run = new Run(site, row.keepsFiles(), UPLOADS_OF_MANY);
                try {
                    run.restarts(restarts, uploads, (sum, losses) -> {
                        Figures.add(title, sum);
                        Figures.tellLosses(title, losses);
                    });
                } finally {
                    System.out.println(title + ", faults committed: " + Fault.counts(run.clients.counts()));
                }
                if (drains) {
                    run.assertNothingLost();
                }
            }
        }
        System.out.println(Figures.table());
        if (drains) {
            var sum = Figures.of(title);
            assertThat(sum.lost() + sum.filesLost())
                    .as("lost in this run or one before")
                    .isZero();
        }
    }

    /** Where a restart's figures go, and what was lost meanwhile. */
    private interface Sink {
        void add(Sum sum, List<String> losses);
    }

    /** One site under load and faults. */
    private static final class Run {
        private final RestartedSite site;
        private final Tally tally = new Tally();
        private final boolean sendsFiles;
        private final Profile profile;
        private @Nullable FileSenders senders;
        private FaultyClients clients;
        private Sum counted = Sum.NOTHING;

        Run(RestartedSite site, boolean sendsFiles, Profile profile) {
            this.site = site;
            this.sendsFiles = sendsFiles;
            this.profile = profile;
        }

        void restarts(int restarts, int uploads, Sink sink) {
            var load = Load.started(site.port(), profile, tally);
            senders = sendsFiles ? FileSenders.started(site.port(), 2, 16, 300) : null;
            clients = FaultyClients.started(site);
            try {
                long startedNanos = System.nanoTime();
                site.serving().forEach(node -> tally.awaitUploadBy(node.name(), startedNanos, USE_LIMIT));
                while (counted.restarts() < restarts || counted.uploads() < uploads) {
                    count(site.restart(counted.restarts(), tally), sink);
                }
            } catch (AssertionError | RuntimeException e) {
                throw new AssertionError(e.getMessage() + "\n" + site.logs(), e);
            } finally {
                tally.phase("the load ends");
                clients.close();
                if (senders != null) {
                    senders.close();
                }
                load.finish();
                count(null, sink);
            }
        }

        /** Counts what has come since the last time; no restart means what came after the last one. */
        private void count(@Nullable Restart restart, Sink sink) {
            var losses = new ArrayList<String>();
            int lost = tell(tally.lostUploads(), counted.lost(), losses);
            int filesLost = senders == null ? 0 : tell(senders.faults(), counted.filesLost(), losses);
            int lostGets = tell(tally.lostGets(), counted.lostGets(), losses);
            if (restart != null && !losses.isEmpty()) {
                losses.add("these while " + restart.node() + " stopped, with " + restart.trouble());
            }
            var more = new Sum(
                    restart == null ? 0 : 1,
                    tally.uploads() - counted.uploads(),
                    lost
                            + (restart == null
                                    ? 0
                                    : tally.uploadsDuring(restart.node(), restart.stopNanos(), restart.exitNanos())),
                    lost,
                    (senders == null ? 0 : senders.files()) - counted.files(),
                    filesLost
                            + (restart == null || senders == null
                                    ? 0
                                    : senders.filesDuring(restart.node(), restart.stopNanos(), restart.exitNanos())),
                    filesLost,
                    tally.gets() - counted.gets(),
                    lostGets,
                    restart == null ? 0 : (restart.exitNanos() - restart.stopNanos()) / 1_000_000);
            counted = counted.plus(more);
            sink.add(more, losses);
        }

        /** Adds those that were not counted yet; returns how many. */
        private static int tell(List<?> all, int counted, List<String> losses) {
            all.stream().skip(counted).map(String::valueOf).forEach(losses::add);
            return all.size() - counted;
        }

        void assertNothingLost() {
            assertThat(tally.lostUploads()).as("lost uploads\n%s", site.logs()).isEmpty();
            assertThat(senders == null ? List.of() : senders.faults())
                    .as("lost files\n%s", site.logs())
                    .isEmpty();
            assertThat(tally.lostGets()).as("lost GETs\n%s", site.logs()).isEmpty();
            assertThat(clients.surprises()).isEmpty();
            assertThat(clients.counts().keySet()).hasSizeGreaterThan(5);
            // Every client is gone: what is still counted was not given back.
            for (var node : site.serving()) {
                await("nothing is in flight on " + node.name())
                        .atMost(QUIET_LIMIT)
                        .pollInterval(Duration.ofMillis(200))
                        .untilAsserted(() -> assertThat(status(node))
                                .contains("\"uploads\":0", "\"requests\":0", "\"state\":\"SERVING\""));
            }
        }

        private static String status(TomcatNode node) throws IOException {
            return Exchange.get(node.controlPort(), "/drain", "Authorization: Bearer " + TomcatNode.TOKEN + "\r\n")
                    .body();
        }
    }
}
