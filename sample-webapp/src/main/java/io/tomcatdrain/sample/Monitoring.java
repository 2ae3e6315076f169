package io.tomcatdrain.sample;

import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import io.tomcatdrain.metrics.DrainMetrics;
import jakarta.servlet.http.HttpServlet;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import org.apache.catalina.Context;
import org.apache.catalina.Service;
import org.apache.catalina.connector.Connector;
import org.apache.catalina.core.StandardEngine;
import org.apache.catalina.core.StandardHost;
import org.apache.catalina.core.StandardService;
import org.apache.catalina.startup.Tomcat;

/**
 * A service beside the one that drains, with a port of its own, for Prometheus: {@code GET /metrics} is answered in every state, and
 * during a stop until the drain is over.
 */
final class Monitoring {
    private final Connector connector = new Connector();

    /** Adds it to a server that has not been started; port 0 for a free one. */
    Monitoring(Tomcat tomcat, String address, int port) {
        connector.setPort(port);
        connector.setProperty("address", address);
        connector.setThrowOnFailure(true);

        var host = new StandardHost();
        host.setName("localhost");
        var engine = new StandardEngine();
        engine.setName("monitoring");
        engine.setDefaultHost(host.getName());
        engine.addChild(host);
        Service service = new StandardService();
        service.setName(engine.getName());
        service.setContainer(engine);
        service.addConnector(connector);
        tomcat.getServer().addService(service);
        Context context = tomcat.addContext(host, "", null);
        Tomcat.addServlet(context, "metrics", new MetricsServlet()).addMapping("/metrics");
    }

    int port() {
        return connector.getLocalPort();
    }

    /** All drains of this process, as Prometheus reads them. */
    private static final class MetricsServlet extends HttpServlet {
        private static final long serialVersionUID = 1L;

        private final transient PrometheusMeterRegistry registry =
                new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
        private final transient DrainMetrics metrics = DrainMetrics.ofNode();

        @Override
        public void init() {
            metrics.bindTo(registry);
        }

        @Override
        protected void doGet(HttpServletRequest request, HttpServletResponse response) throws IOException {
            byte[] text = registry.scrape().getBytes(StandardCharsets.UTF_8);
            response.setContentType("text/plain; version=0.0.4; charset=utf-8");
            response.setHeader("Cache-Control", "no-store");
            response.setContentLength(text.length);
            response.getOutputStream().write(text);
        }

        @Override
        public void destroy() {
            metrics.close();
            registry.close();
        }
    }
}
