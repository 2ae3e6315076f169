package io.tomcatdrain.valve;

import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.tomcatdrain.metrics.DrainMetrics;
import jakarta.servlet.http.HttpServlet;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;

/** A web application that shows the drain of its Tomcat; loaded by that application's class loader. */
public final class MetricsServlet extends HttpServlet {
    private static final long serialVersionUID = 1;

    private final transient MeterRegistry registry = new SimpleMeterRegistry();
    private final transient DrainMetrics metrics = DrainMetrics.ofNode();

    @Override
    public void init() {
        metrics.bindTo(registry);
    }

    @Override
    public void destroy() {
        metrics.close();
        registry.close();
    }

    @Override
    protected void doGet(HttpServletRequest request, HttpServletResponse response) throws IOException {
        response.getWriter()
                .println(
                        "DrainMetrics by " + DrainMetrics.class.getClassLoader().getClass());
        response.getWriter()
                .println("Micrometer by " + MeterRegistry.class.getClassLoader().getClass());
        for (var meter : registry.getMeters()) {
            for (var measurement : meter.measure()) {
                response.getWriter()
                        .println(meter.getId().getName() + meter.getId().getTags() + " " + measurement.getValue());
            }
        }
    }
}
