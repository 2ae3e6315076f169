package io.tomcatdrain.valve;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.micrometer.core.instrument.MeterRegistry;
import io.tomcatdrain.Drain;
import java.io.IOException;
import java.io.InputStream;
import java.lang.ref.WeakReference;
import java.net.URI;
import java.net.URISyntaxException;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.stream.Stream;
import org.apache.catalina.Context;
import org.apache.catalina.Engine;
import org.apache.catalina.Host;
import org.apache.catalina.Service;
import org.apache.catalina.connector.Connector;
import org.apache.catalina.core.StandardEngine;
import org.apache.catalina.core.StandardHost;
import org.apache.catalina.core.StandardService;
import org.apache.catalina.startup.Tomcat;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The valve in Tomcat's loader, the metrics in a web application of a second service, which the drain does not refuse. */
class MetricsInWebappIT {
    @TempDir
    Path directory;

    private Connector metricsConnector;
    private Host metricsHost;

    /** Adds a service of its own, with a port of its own, to the server. */
    private Context addMetrics(SmallServer server) throws Exception {
        Service service = new StandardService();
        service.setName("monitoring");
        Engine engine = new StandardEngine();
        engine.setName("monitoring");
        engine.setDefaultHost("localhost");
        metricsHost = new StandardHost();
        metricsHost.setName("localhost");
        engine.addChild(metricsHost);
        service.setContainer(engine);
        metricsConnector = new Connector();
        metricsConnector.setPort(0);
        metricsConnector.setProperty("address", "127.0.0.1");
        service.addConnector(metricsConnector);
        server.tomcat.getServer().addService(service);
        Path webapp = makeWebapp();
        Context context = server.tomcat.addContext(metricsHost, "", webapp.toString());
        Tomcat.addServlet(context, "metrics", MetricsServlet.class.getName()).addMapping("/metrics");
        return context;
    }

    /** Lays out a web application that brings core and Micrometer along. */
    private Path makeWebapp() throws Exception {
        Path classes = Files.createDirectories(directory.resolve("metrics/WEB-INF/classes"));
        Path lib = Files.createDirectories(directory.resolve("metrics/WEB-INF/lib"));
        String servlet = MetricsServlet.class.getName().replace('.', '/') + ".class";
        Files.createDirectories(classes.resolve(servlet).getParent());
        try (InputStream in = MetricsServlet.class.getResourceAsStream("/" + servlet)) {
            Files.copy(in, classes.resolve(servlet));
        }
        for (Class<?> brought : new Class<?>[] {
            Drain.class,
            MeterRegistry.class,
            io.micrometer.common.util.StringUtils.class,
            io.micrometer.observation.Observation.class
        }) {
            Path source = sourceOf(brought);
            if (Files.isDirectory(source)) {
                copyAll(source, classes);
            } else {
                Files.copy(source, lib.resolve(source.getFileName()));
            }
        }
        return directory.resolve("metrics");
    }

    private static Path sourceOf(Class<?> type) throws URISyntaxException {
        return Path.of(type.getProtectionDomain().getCodeSource().getLocation().toURI());
    }

    private static void copyAll(Path from, Path to) throws IOException {
        try (Stream<Path> files = Files.walk(from)) {
            for (Path file : files.filter(Files::isRegularFile).toList()) {
                Path target = to.resolve(from.relativize(file).toString());
                Files.createDirectories(target.getParent());
                Files.copy(file, target);
            }
        }
    }

    private String metrics() throws Exception {
        URI uri = URI.create("http://127.0.0.1:" + metricsConnector.getLocalPort() + "/metrics");
        HttpResponse<String> answer = HttpClient.newHttpClient()
                .send(HttpRequest.newBuilder(uri).build(), HttpResponse.BodyHandlers.ofString());
        assertThat(answer.statusCode()).isEqualTo(200);
        return answer.body();
    }

    @Test
    void aWebappSeesTheValvesDrainWithoutSharingAClass() throws Exception {
        try (SmallServer server = new SmallServer(directory)) {
            addMetrics(server);
            server.start();
            assertThat(metrics())
                    .contains("DrainMetrics by class org.apache.catalina.loader.ParallelWebappClassLoader")
                    .contains("Micrometer by class org.apache.catalina.loader.ParallelWebappClassLoader")
                    .contains("drain.state[tag(name=Tomcat), tag(state=serving)] 1.0");

            server.get("/app/page");
            server.valve.drain().start("upgrade");
            assertThat(server.valve.drain().awaitDrained(Duration.ofMinutes(1))).isTrue();

            assertThat(server.send(server.request("/app/page")).statusCode()).isEqualTo(503);
            assertThat(metrics())
                    .contains("drain.state[tag(name=Tomcat), tag(state=drained)] 1.0")
                    .contains("drain.refused[tag(name=Tomcat)] 1.0")
                    .contains("drain.completed[tag(kind=request), tag(name=Tomcat)] 1.0");

            server.tomcat.getEngine().stop();
            assertThat(metrics()).doesNotContain("drain.");
            server.tomcat.getEngine().start();
            assertThat(metrics()).contains("drain.state[tag(name=Tomcat), tag(state=serving)] 1.0");
        }
    }

    @Test
    void undeployingItLeavesNothing() throws Exception {
        try (SmallServer server = new SmallServer(directory)) {
            Context context = addMetrics(server);
            server.start();
            assertThat(metrics()).contains("drain.state");
            var loader = new WeakReference<>(context.getLoader().getClassLoader());
            metricsHost.removeChild(context);
            context = null;

            server.valve.drain().start("upgrade");
            await("the web application's class loader is unreachable").until(() -> {
                System.gc();
                return loader.get() == null;
            });
        }
    }
}
