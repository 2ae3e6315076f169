package io.tomcatdrain.sample.fleet;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.parallel.ExecutionMode.CONCURRENT;

import io.tomcatdrain.sample.ClientPage;
import io.tomcatdrain.testkit.ResumableUploads;
import io.tomcatdrain.testkit.fleet.Fleet;
import io.tomcatdrain.testkit.fleet.FrontEnd;
import io.tomcatdrain.testkit.fleet.Load.Profile;
import io.tomcatdrain.testkit.fleet.LongForm;
import io.tomcatdrain.testkit.fleet.RollingRestart;
import io.tomcatdrain.testkit.fleet.RollingRestart.Extent;
import io.tomcatdrain.testkit.fleet.TomcatNode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ResourceLock;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Two real Tomcats that keep the parts of files for themselves are restarted in turn, while browsers send files in several requests and read
 * pages between them. {@code -Dfleet=long} makes at least 10 stops and 200 files behind each of four front ends, and adds a real browser with
 * real clients.
 */
@Timeout(value = 15, unit = TimeUnit.MINUTES)
@ResourceLock(providers = LongForm.class)
@Execution(CONCURRENT)
final class FilesOfSeveralRequestsIT {
    private static final String WEB_XML = """
            <web-app xmlns="https://jakarta.ee/xml/ns/jakartaee" version="6.0" metadata-complete="true">
              <servlet>
                <servlet-name>files</servlet-name>
                <servlet-class>%s</servlet-class>
                <async-supported>true</async-supported>
              </servlet>
              <servlet-mapping>
                <servlet-name>files</servlet-name>
                %s
              </servlet-mapping>
            </web-app>
            """;

    /** One that asks for readiness; all in the long form. What repeats a refusal has its quick row in {@link FaultsIT}. */
    static List<FrontEnd> frontEnds() {
        return LongForm.ASKED_FOR
                ? List.of(FrontEnd.MOD_JK, FrontEnd.NGINX_BUFFERING, FrontEnd.HAPROXY, FrontEnd.MOD_PROXY_HTTP)
                : List.of(FrontEnd.HAPROXY);
    }

    @ParameterizedTest
    @MethodSource("frontEnds")
    void losesNoFileBehind(FrontEnd frontEnd) {
        FleetIT.needs(frontEnd);
        try (var fleet = Fleet.started(
                frontEnd, "files-" + frontEnd, 11, frontEnd.valveAttributes(), FilesOfSeveralRequestsIT::takeFiles)) {
            var restart = new RollingRestart(fleet, frontEnd);
            var senders = FileSenders.started(
                    fleet.port(),
                    LongForm.ASKED_FOR ? 4 : 2,
                    LongForm.ASKED_FOR ? 40 : 12,
                    LongForm.ASKED_FOR ? 1000 : 300);
            var browsers = LongForm.ASKED_FOR ? BrowserSenders.started(fleet.port()) : BrowserSenders.none();
            try (senders;
                    browsers) {
                restart.underLoad(
                        LongForm.ASKED_FOR
                                ? new Extent(10, 200, Profile.SHORT_UPLOADS)
                                : new Extent(1, 1, Profile.SHORT_UPLOADS));
            }
            System.out.println("files of several requests behind " + frontEnd + ": "
                    + restart.stops().size() + " stops, " + senders.files() + " files, " + senders.pages()
                    + " pages between their parts, lost: " + senders.faults().size() + ", begun again from byte 0: "
                    + senders.begunAgain() + "; by tus-js-client, FilePond, Resumable.js and blueimp's in Chromium: "
                    + browsers.files()
                    + " files, lost or begun again: " + browsers.losses().size());

            assertThat(senders.faults()).as(fleet.logs()).isEmpty();
            assertThat(senders.begunAgain()).isZero();
            assertThat(browsers.losses()).as(fleet.logs()).isEmpty();
            assertThat(senders.files()).isPositive();
            assertThat(restart.tally().lostUploads()).as(fleet.logs()).isEmpty();
            assertThat(restart.tally().lostGets()).as(fleet.logs()).isEmpty();
        }
    }

    /** The proof that the test can fail. */
    @Test
    void losesFilesThatADrainDoesNotFollow() {
        var frontEnd = FrontEnd.MOD_JK;
        FleetIT.needs(frontEnd);
        try (var fleet =
                Fleet.started(frontEnd, "files-off", 11, "openUploads=\"off\"", FilesOfSeveralRequestsIT::takeFiles)) {
            var senders = FileSenders.started(fleet.port(), 2, 12, 300);
            try {
                new RollingRestart(fleet, frontEnd).untilLossIsSeen(Profile.SHORT_UPLOADS, () -> hasLostFile(senders));
            } finally {
                senders.abandon();
            }

            assertThat(hasLostFile(senders)).as("%s", senders.faults()).isTrue();
        }
    }

    private static boolean hasLostFile(FileSenders senders) {
        return senders.faults().stream()
                .anyMatch(fault -> fault.contains("status 404") || fault.contains("status 409"));
    }

    /** Puts an application into the node that takes such files and keeps them in its memory. */
    static void takeFiles(TomcatNode node) {
        try {
            ClientPage.write(node.base().resolve("webapps/many"));
            Path application = node.base().resolve("webapps/many/WEB-INF");
            StringBuilder mappings = new StringBuilder();
            for (String mapping : ResumableUploads.MAPPINGS) {
                mappings.append("<url-pattern>").append(mapping).append("</url-pattern>");
            }
            Files.createDirectories(application);
            Files.writeString(
                    application.resolve("web.xml"), WEB_XML.formatted(ResumableUploads.class.getName(), mappings));
            for (String each : List.of("", "$Stored")) {
                String name = ResumableUploads.class.getName().replace('.', '/') + each + ".class";
                Path target = application.resolve("classes").resolve(name);
                Files.createDirectories(target.getParent());
                try (var in = ResumableUploads.class.getClassLoader().getResourceAsStream(name)) {
                    Files.copy(in, target);
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
