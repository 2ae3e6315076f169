package io.tomcatdrain.sample;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.fail;
import static org.junit.jupiter.api.Assumptions.abort;

import io.tomcatdrain.Drain;
import io.tomcatdrain.DrainLimits;
import io.tomcatdrain.DrainReport.Outcome;
import io.tomcatdrain.testkit.EmbeddedTomcat;
import io.tomcatdrain.testkit.ResumableUploads;
import io.tomcatdrain.valve.DrainValve;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import org.apache.catalina.Context;
import org.apache.catalina.LifecycleException;
import org.apache.catalina.startup.Tomcat;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.ResourceLock;

/** The clients themselves send a file in several requests each, while their node drains: tus-js-client, FilePond, Resumable.js, blueimp's. */
@Timeout(600)
@Tag("after-fleets")
@ResourceLock("a Tomcat in this process")
final class ClientsIT {
    private static final int PART = 16 << 10;
    private static final int SIZE = 20 * PART + 1;

    @TempDir
    Path directory;

    private final Tomcat tomcat = new Tomcat();
    private Context context;

    @BeforeEach
    void start() throws LifecycleException {
        Browser.missing().ifPresent(missing -> {
            if ("true".equals(System.getenv("CI"))) {
                fail("CI=true skips nothing, but: " + missing);
            }
            abort("skipped: " + missing);
        });
        EmbeddedTomcat.beQuiet();
        Path application = directory.resolve("many");
        ClientPage.write(application);
        tomcat.setBaseDir(directory.toString());
        tomcat.setPort(0);
        tomcat.getConnector().setProperty("address", "127.0.0.1");
        tomcat.getEngine().getPipeline().addValve(new DrainValve());
        context = tomcat.addContext("/many", application.toString());
        Tomcat.addServlet(context, "default", "org.apache.catalina.servlets.DefaultServlet")
                .addMapping("/");
        var files = Tomcat.addServlet(context, "files", new ResumableUploads());
        for (var mapping : ResumableUploads.MAPPINGS) {
            files.addMapping(mapping);
        }
        context.addMimeMapping("js", "text/javascript");
        context.addMimeMapping("html", "text/html");
        tomcat.start();
    }

    @AfterEach
    void stop() throws LifecycleException {
        tomcat.stop();
        tomcat.destroy();
    }

    @Test
    void clientsAreFollowedToTheEndOfTheirFiles() throws Exception {
        try (var browser = new Browser(Files.createDirectory(directory.resolve("profile")))) {
            var drain = (Drain) context.getServletContext().getAttribute(Drain.class.getName());
            int port = tomcat.getConnector().getLocalPort();
            var page = new ClientPage(browser, URI.create("http://127.0.0.1:" + port + "/many/clients.html"));
            // So slowly that none has ended before all have begun, whatever this machine does meanwhile.
            page.send(SIZE, PART, 50_000);
            await().until(() -> drain.status().openUploads().size() == 4);

            var over = drain.start("test");
            browser.bytesPerSecond(-1);
            page.awaitAnswers();

            assertThat(page.losses()).isEmpty();
            assertThat(page.pages()).isPositive();
            // Nothing but the lingering holds the drain then, and a command spares the test that.
            await().until(() -> drain.status().openUploads().isEmpty());
            drain.start("enough", new DrainLimits(Duration.ZERO, null));
            var report = over.get(2, TimeUnit.MINUTES);
            assertThat(report.outcome()).isEqualTo(Outcome.DRAINED);
            assertThat(report.openUploads().finished()).isEqualTo(4);
        }
    }
}
