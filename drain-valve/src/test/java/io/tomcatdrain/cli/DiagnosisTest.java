package io.tomcatdrain.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.tomcatdrain.cli.Exchange.Kind;
import io.tomcatdrain.cli.Finding.Fault;
import io.tomcatdrain.cli.Observation.Facts;
import io.tomcatdrain.cli.Observation.Look;
import io.tomcatdrain.cli.Observation.Trouble;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.cert.CertPathBuilderException;
import java.security.cert.CertificateException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** From what was seen to what is wrong, without a server. */
class DiagnosisTest {
    private static final URI N1 = URI.create("http://n1:8090/drain");
    private static final URI N2 = URI.create("http://n2:8090/drain");
    private static final long BEGAN = 5_000;

    /** An observation in the making: of a site that loses nothing, until a row changes it. */
    private static final class Seen {
        private final List<Observation.Node> nodes = new ArrayList<>(List.of(node(N1, null), node(N2, null)));
        private final List<Exchange> exchanges =
                new ArrayList<>(List.of(upload(200, false, 0, 4_000, false), get(200)));
        private FrontEndKind frontEnd = FrontEndKind.UNKNOWN;
        private boolean canary;
        private boolean sawUploads = true;
        private boolean hadRequests = true;
        private boolean drained = true;
        private boolean restart;
        private boolean over = true;
        private long used = 14_000;
        private long served = 12_000;
        private Facts facts = new Facts("1.0.0", true, false, 3, 30_000);
        private List<Look> looks = looks(4_000, Map.of("lb", 0L), Map.of("lb", 3L));

        Observation made() {
            return new Observation(
                    new Observation.Site(frontEnd, canary, 4_000, sawUploads, hadRequests, restart),
                    nodes,
                    exchanges,
                    drained ? new Observation.Drain(N1, facts, BEGAN, looks, over, over, served, used) : null);
        }

        Seen lost(Exchange... lost) {
            exchanges.addAll(List.of(lost));
            return this;
        }

        Seen at(FrontEndKind kind) {
            frontEnd = kind;
            return this;
        }

        Seen withoutDrain() {
            drained = false;
            return this;
        }

        Seen unprobed() {
            looks = looks(0, Map.of(), Map.of());
            return this;
        }

        /** Somebody has asked before, and no more. */
        Seen askedOnce() {
            looks = looks(4_000, Map.of("curl", 0L), Map.of("curl", 0L));
            return this;
        }

        Seen lameDuck(long millis, long failures) {
            looks = looks(millis, Map.of("lb", 0L), Map.of("lb", failures));
            facts = new Facts("1.0.0", true, false, failures, 30_000);
            return this;
        }

        Seen only(Observation.Node... those) {
            nodes.clear();
            nodes.addAll(List.of(those));
            exchanges.clear();
            drained = false;
            return this;
        }

        Seen buffering() {
            sawUploads = false;
            return this;
        }

        Seen neverUsedAgain() {
            used = -1;
            return this;
        }

        Seen neverServedAgain() {
            served = -1;
            return neverUsedAgain();
        }

        /** No request has had an answer. */
        Seen away(String trouble) {
            exchanges.clear();
            exchanges.add(new Exchange(Kind.GET, false, BEGAN, BEGAN + 10, 0, 0, 0, false, trouble));
            return withoutDrain();
        }

        Seen notOver() {
            over = false;
            return this;
        }

        Seen toCanary() {
            canary = true;
            return this;
        }

        Seen unreached() {
            hadRequests = false;
            return this;
        }
    }

    private static List<Look> looks(long lameDuck, Map<String, Long> first, Map<String, Long> last) {
        return List.of(
                new Look(BEGAN - 100, "SERVING", 10, 0, first),
                new Look(BEGAN + 100, lameDuck == 0 ? "DRAINING" : "LAME_DUCK", 11, 0, first),
                new Look(BEGAN + Math.max(200, lameDuck), "DRAINING", 13, 1, last),
                new Look(BEGAN + Math.max(200, lameDuck) + 1_000, "DRAINED", 15, 3, last));
    }

    private static Observation.Node node(URI url, Trouble trouble) {
        return new Observation.Node(
                url,
                trouble,
                trouble == null ? "SERVING" : "is wrong",
                new Facts(null, true, false, 3, 30_000),
                List.of());
    }

    private static Exchange upload(int status, boolean refused, long sent, long millis, boolean sticky) {
        return new Exchange(Kind.LENGTH, sticky, BEGAN, BEGAN + millis, sent, 100, status, refused, "");
    }

    private static Exchange get(int status) {
        return new Exchange(Kind.GET, false, BEGAN, BEGAN + 10, 0, 0, status, false, "");
    }

    private static Exchange refused() {
        return upload(503, true, 10, 50, false);
    }

    private static Exchange cut(int status) {
        return upload(status, false, 50, 3_000, false);
    }

    private static Exchange turnedAway(boolean sticky) {
        return upload(503, false, 0, 20, sticky);
    }

    /** httpd reads the whole body before it says no. */
    private static Exchange turnedAwaySlowly() {
        return new Exchange(Kind.LENGTH, true, BEGAN + 4_500, BEGAN + 7_500, 100, 100, 503, false, "");
    }

    private static String untrusted() {
        return Trust.complaint(new IOException(new CertificateException("No name matching n1 found")));
    }

    private static Arguments row(Fault fault, String line, Seen seen) {
        return Arguments.of(fault, line, seen);
    }

    static Stream<Arguments> faults() {
        return Stream.of(
                row(
                        Fault.NODE_UNREACHABLE,
                        "controlPort",
                        new Seen().only(node(N1, Trouble.NO_ANSWER), node(N2, null))),
                row(
                        Fault.CERTIFICATE_NOT_ACCEPTED,
                        "--ca-file",
                        new Seen().only(node(N1, Trouble.CERTIFICATE), node(N2, null))),
                row(Fault.CERTIFICATE_NOT_ACCEPTED, "trustStore", new Seen().away(untrusted())),
                row(Fault.SITE_UNREACHABLE, "http or https", new Seen().away("Connection refused")),
                row(Fault.WRONG_TOKEN, "--token-file", new Seen().only(node(N1, null), node(N2, Trouble.WRONG_TOKEN))),
                row(Fault.WRONG_PORT, "controlPort", new Seen().only(node(N1, Trouble.WRONG_PORT), node(N2, null))),
                row(Fault.NO_DRAIN, "path", new Seen().only(node(N1, Trouble.NO_DRAIN), node(N2, null))),
                row(Fault.LAST_NODE, "--node", new Seen().only(node(N1, null))),
                row(
                        Fault.NOT_SERVING,
                        "resume",
                        new Seen()
                                .only(
                                        node(N1, null),
                                        new Observation.Node(N2, null, "DRAINED", Facts.NONE, List.of()))),
                row(
                        Fault.NOT_RESUMABLE,
                        "--restart",
                        new Seen()
                                .only(
                                        new Observation.Node(
                                                N1, null, "SERVING", new Facts("1", true, true, 3, 1), List.of()),
                                        node(N2, null))),
                row(
                        Fault.FRONT_END_TIMEOUT,
                        "client_body_timeout",
                        new Seen().withoutDrain().lost(cut(408)).at(FrontEndKind.NGINX)),
                row(
                        Fault.FRONT_END_TIMEOUT,
                        "timeout client",
                        new Seen().withoutDrain().lost(cut(0)).at(FrontEndKind.HAPROXY)),
                row(
                        Fault.CANARY_NOT_PASSED_ON,
                        "--upload",
                        new Seen().withoutDrain().toCanary().lost(upload(404, false, 0, 10, false))),
                row(
                        Fault.UPLOAD_NOT_ACCEPTED,
                        "--upload",
                        new Seen().withoutDrain().lost(upload(403, false, 0, 10, false))),
                // A front end that buffers has it all before anybody says no.
                row(
                        Fault.UPLOAD_NOT_ACCEPTED,
                        "--upload",
                        new Seen().withoutDrain().lost(upload(404, false, 100, 12_000, false))),
                row(
                        Fault.UPLOAD_NOT_ACCEPTED,
                        "--field",
                        new Seen().withoutDrain().lost(upload(500, false, 100, 12_000, false))),
                row(
                        Fault.FRONT_END_TIMEOUT,
                        "client_body_timeout",
                        new Seen().withoutDrain().lost(cut(400)).at(FrontEndKind.NGINX)),
                row(
                        Fault.NODES_NOT_BEHIND_SITE,
                        "--node",
                        new Seen().withoutDrain().unreached()),
                row(
                        Fault.FRONT_END_CUTS,
                        "on-marked-down",
                        new Seen().lost(upload(0, false, 20, 100, false)).at(FrontEndKind.HAPROXY)),
                row(
                        Fault.FRONT_END_CUTS,
                        "on-marked-down shutdown-sessions",
                        new Seen().lost(cut(0)).at(FrontEndKind.HAPROXY)),
                row(Fault.FRONT_END_CUTS, "draining", new Seen().lost(cut(502)).at(FrontEndKind.NGINX)),
                row(
                        Fault.NOBODY_PROBES,
                        "option httpchk",
                        new Seen().askedOnce().lost(refused()).at(FrontEndKind.HAPROXY)),
                row(
                        Fault.NOBODY_PROBES,
                        "option httpchk GET /drain/ready",
                        new Seen().unprobed().lost(refused()).at(FrontEndKind.HAPROXY)),
                row(
                        Fault.NOBODY_PROBES,
                        "hcmethod=GET hcuri=/drain/ready",
                        new Seen().unprobed().lost(refused()).at(FrontEndKind.MOD_PROXY)),
                row(
                        Fault.NOBODY_PROBES,
                        "fail_on_status",
                        new Seen().unprobed().lost(refused()).at(FrontEndKind.HTTPD)),
                row(
                        Fault.PROBES_TOO_SLOW,
                        "lameDuckTimeout",
                        new Seen().lameDuck(30_000, 3).lost(refused()).at(FrontEndKind.HAPROXY)),
                row(
                        Fault.PROBE_FAILURES_TOO_FEW,
                        "probeFailures=\"",
                        new Seen().lameDuck(2_000, 1).lost(refused()).at(FrontEndKind.HAPROXY)),
                row(
                        Fault.REFUSALS_NOT_REPEATED,
                        "fail_on_status=-503",
                        new Seen().unprobed().lost(refused()).at(FrontEndKind.MOD_JK)),
                row(
                        Fault.REFUSALS_NOT_REPEATED,
                        "non_idempotent",
                        new Seen().buffering().lost(refused()).at(FrontEndKind.NGINX)),
                row(
                        Fault.REFUSALS_REACH_USERS,
                        "closeListener=\"true\"",
                        new Seen().lost(refused()).at(FrontEndKind.LIGHTTPD)),
                row(
                        Fault.STREAMING_WITHOUT_CLOSE_LISTENER,
                        "closeListener=\"true\"",
                        new Seen().lost(refused()).at(FrontEndKind.NGINX)),
                row(
                        Fault.STICKY_WITHOUT_REPLAY,
                        "sticky_session_force=false",
                        new Seen().lost(turnedAwaySlowly()).at(FrontEndKind.MOD_JK)),
                row(
                        Fault.STICKY_WITHOUT_REPLAY,
                        "sticky_session_force=false",
                        new Seen().lost(turnedAway(true)).at(FrontEndKind.MOD_JK)),
                row(
                        Fault.OTHER_LOSS,
                        "log",
                        new Seen().lost(turnedAway(true), turnedAway(false)).at(FrontEndKind.MOD_JK)),
                row(Fault.OTHER_LOSS, "log", new Seen().lost(get(502))),
                row(Fault.OTHER_LOSS, "log", new Seen().withoutDrain().lost(get(502))),
                row(Fault.NOT_SERVING, "restart", new Seen().neverServedAgain()),
                row(Fault.GAVE_UP, "uploadTimeout", new Seen().notOver()),
                row(
                        Fault.NOT_USED_AGAIN,
                        "recover_time",
                        new Seen().neverUsedAgain().at(FrontEndKind.MOD_JK)));
    }

    @ParameterizedTest(name = "{0}: {1}")
    @MethodSource("faults")
    void namesTheFaultAndTheLineToChange(Fault fault, String line, Seen seen) {
        List<Finding> findings = Diagnosis.of(seen.made());
        assertThat(findings).extracting(Finding::fault).containsExactly(fault);
        assertThat(findings.get(0).remedy()).contains(line);
    }

    @Test
    void hasNothingToSayWhereNothingWasLost() {
        assertThat(Diagnosis.of(new Seen().made())).isEmpty();
        Seen page = new Seen();
        page.exchanges.add(get(404)); // the page's own answer to a stranger
        assertThat(Diagnosis.of(page.made())).isEmpty();
    }

    @Test
    void saysTwoThingsWhereTwoAreWrong() {
        Seen both = new Seen().lost(refused(), cut(0)).neverUsedAgain().at(FrontEndKind.HAPROXY);
        assertThat(Diagnosis.of(both.made()))
                .extracting(Finding::fault)
                .containsExactly(Fault.FRONT_END_CUTS, Fault.PROBE_FAILURES_TOO_FEW, Fault.NOT_USED_AGAIN);
    }

    @Test
    void eachFaultHasARowAndALineInTheDocumentation() throws IOException {
        assertThat(faults().map(row -> row.get()[0])).contains((Object[]) Fault.values());
        String document = Files.readString(Path.of("../docs/check.md"));
        assertThat(Fault.values()).allSatisfy(fault -> assertThat(document).contains("`" + fault + "`"));
    }

    @Test
    void saysWhyACertificateIsNotAccepted() {
        assertThat(Trust.complaint(new IOException(
                        new CertificateException("PKIX path building failed", new CertPathBuilderException("long")))))
                .isEqualTo("its certificate is not accepted: no authority that is trusted here has signed it");
        assertThat(untrusted()).isEqualTo("its certificate is not accepted: No name matching n1 found");
        assertThat(Trust.complaint(new IOException("Connection refused"))).isNull();
    }

    @Test
    void aFileWithoutACertificateIsNamed(@TempDir Path directory) throws IOException {
        Path empty = Files.writeString(directory.resolve("empty.pem"), "");
        Path text = Files.writeString(directory.resolve("text.pem"), "-----BEGIN CERTIFICATE-----\nno\n");
        for (Path file : List.of(empty, text, directory.resolve("none.pem"))) {
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> Trust.of(file.toString()))
                    .withMessageStartingWith("option [--ca-file] has the value [" + file + "]: ")
                    .withMessageContaining(file.endsWith("none.pem") ? "that you can read" : "no certificate in PEM");
        }
        assertThat(Trust.of(null)).isNull();
    }

    @Test
    void readsFromItsLooksHowLongTheFrontEndSentAndHowOftenItAsked() {
        Observation.Drain drain = new Seen().made().drain();
        assertThat(drain.refusesFrom()).isEqualTo(BEGAN + 4_000);
        assertThat(drain.sentForMillis()).isEqualTo(5_000);
        assertThat(drain.refused()).isEqualTo(3);
        List<Look> counting = List.of(
                new Look(0, "SERVING", 0, 0, Map.of("lb", 0L)),
                new Look(1_000, "LAME_DUCK", 0, 0, Map.of("lb", 1L)),
                new Look(1_200, "LAME_DUCK", 0, 0, Map.of("lb", 1L)),
                new Look(5_000, "LAME_DUCK", 0, 0, Map.of("lb", 3L)));
        assertThat(new Observation.Drain(N1, Facts.NONE, 0, counting, true, true, 1, 1).slowestProbeMillis())
                .isEqualTo(2_000);
    }

    @Test
    void guessesTheFrontEnd() {
        assertThat(FrontEndKind.guessed("Apache/2.4.57 (Debian)", true, List.of()))
                .isEqualTo(FrontEndKind.MOD_JK);
        assertThat(FrontEndKind.guessed("Apache/2.4.57 (Debian)", false, List.of("httpd at 10.0.0.1")))
                .isEqualTo(FrontEndKind.MOD_PROXY);
        assertThat(FrontEndKind.guessed("Apache/2.4.57 (Debian)", false, List.of()))
                .isEqualTo(FrontEndKind.HTTPD);
        assertThat(FrontEndKind.guessed("nginx/1.22.1", false, List.of())).isEqualTo(FrontEndKind.NGINX);
        assertThat(FrontEndKind.guessed(null, false, List.of("haproxy at 10.0.0.1")))
                .isEqualTo(FrontEndKind.HAPROXY);
        assertThat(FrontEndKind.guessed(null, false, List.of())).isEqualTo(FrontEndKind.UNKNOWN);
        // A node may have had mod_jk before it some time ago.
        assertThat(FrontEndKind.guessed("nginx/1.22.1", true, List.of())).isEqualTo(FrontEndKind.NGINX);
        assertThat(FrontEndKind.guessed(null, true, List.of())).isEqualTo(FrontEndKind.UNKNOWN);
    }
}
