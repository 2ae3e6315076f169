package io.tomcatdrain.sample;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.fail;
import static org.junit.jupiter.api.Assumptions.abort;

import io.tomcatdrain.DrainState;
import io.tomcatdrain.testkit.fleet.Ports;
import io.tomcatdrain.valve.DrainValve;
import jakarta.servlet.http.HttpServlet;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.apache.catalina.Context;
import org.apache.catalina.filters.CorsFilter;
import org.apache.catalina.startup.Tomcat;
import org.apache.tomcat.util.descriptor.web.FilterDef;
import org.apache.tomcat.util.descriptor.web.FilterMap;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.ResourceLock;

/** A script that uploads to another origin learns in a browser that the node leaves, and when to come again. */
@Timeout(600)
@Tag("after-fleets")
@ResourceLock("a Tomcat in this process")
class CrossOriginIT {
    private static final String UPLOAD = """
            const form = new FormData();
            form.append('title', 'Holiday');
            form.append('file', new Blob([new Uint8Array(10000)]), 'holiday.bin');
            return fetch(arguments[0], {method: 'POST', body: form, credentials: 'include', headers: {'X-Script': '1'}})
                .then(answer => answer.text().then(text =>
                    [answer.status, answer.headers.get('X-Drain'), answer.headers.get('Retry-After'), text]))
                .catch(failed => [String(failed)]);
            """;

    @TempDir
    Path directory;

    @Test
    void aScriptReadsTheRefusalOfAnUploadToAnotherOrigin() throws Exception {
        Browser.missing().ifPresent(missing -> {
            if ("true".equals(System.getenv("CI"))) {
                fail("CI=true skips nothing, but: " + missing);
            }
            abort("skipped: " + missing);
        });
        DrainValve valve = new DrainValve();
        Tomcat tomcat = server(valve);
        try (Browser browser = new Browser(Files.createDirectory(directory.resolve("profile")))) {
            int port = tomcat.getConnector().getLocalPort();
            browser.driver().get("http://127.0.0.1:" + port + "/");
            String elsewhere = "http://localhost:" + port + "/upload"; // another name is another origin

            assertThat(browser.run(UPLOAD, elsewhere)).asString().startsWith("[200, null, null, ");
            try (var holder = valve.drain().hold("the test")) {
                var unused = valve.drain().start("test");
                await().until(() -> valve.drain().state() == DrainState.DRAINING);
                List<?> refused = (List<?>) browser.run(UPLOAD, elsewhere);
                assertThat(refused).as("%s %s", refused, browser.console()).hasSize(4);
                assertThat(refused.get(0)).isEqualTo(503L);
                assertThat(refused.get(1)).isEqualTo("refused");
                assertThat(refused.get(2)).isIn("5", "6");
                assertThat(refused.get(3)).asString().contains("Nothing of this one was read or done.");
                assertThat(holder).isNotNull();
            }
        } finally {
            tomcat.stop();
            tomcat.destroy();
        }
    }

    private Tomcat server(DrainValve valve) throws Exception {
        Tomcat tomcat = new Tomcat();
        tomcat.setBaseDir(directory.toString());
        int port = Ports.free();
        tomcat.setPort(port);
        tomcat.getConnector().setProperty("address", "127.0.0.1");
        valve.setLameDuck("off");
        tomcat.getEngine().getPipeline().addValve(valve);
        Context context = tomcat.addContext("", directory.toString());
        Tomcat.addServlet(context, "reads", new Reads()).addMapping("/");
        FilterDef cors = new FilterDef();
        cors.setFilterName("cors");
        cors.setFilterClass(CorsFilter.class.getName());
        cors.addInitParameter("cors.allowed.origins", "http://127.0.0.1:" + port);
        cors.addInitParameter("cors.support.credentials", "true");
        cors.addInitParameter("cors.allowed.headers", "X-Script");
        cors.addInitParameter("cors.preflight.maxage", "-1"); // so that the browser asks each time
        context.addFilterDef(cors);
        FilterMap all = new FilterMap();
        all.setFilterName("cors");
        all.addURLPattern("/*");
        context.addFilterMap(all);
        tomcat.start();
        return tomcat;
    }

    /** Reads what it is sent. */
    private static final class Reads extends HttpServlet {
        private static final long serialVersionUID = 1;

        @Override
        protected void service(HttpServletRequest request, HttpServletResponse response) throws IOException {
            long read = request.getInputStream().transferTo(OutputStream.nullOutputStream());
            response.setContentType("text/plain");
            response.getWriter().print(read);
        }
    }
}
