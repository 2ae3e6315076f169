package io.tomcatdrain.filter;

import io.tomcatdrain.Drain;
import io.tomcatdrain.testkit.EmbeddedTomcat;
import java.util.HashMap;
import java.util.Map;
import org.apache.catalina.Context;
import org.apache.catalina.Lifecycle;
import org.apache.catalina.servlets.DefaultServlet;
import org.apache.catalina.startup.Tomcat;

/** Puts the filter into the application of a {@link EmbeddedTomcat}, as a jar in {@code WEB-INF/lib} would. */
final class FilterServer {
    private FilterServer() {}

    /** Plans a server without the valve and with the filter, whose lame duck is off. */
    static EmbeddedTomcat.Builder with(Map<String, String> parameters) {
        return into(EmbeddedTomcat.plain(), parameters);
    }

    static EmbeddedTomcat.Builder into(EmbeddedTomcat.Builder builder, Map<String, String> parameters) {
        return builder.customize(server -> install(server.context(), parameters));
    }

    static void install(Context context, Map<String, String> parameters) {
        // A context forgets what it was given when it stops.
        context.addLifecycleListener(event -> {
            if (Lifecycle.CONFIGURE_START_EVENT.equals(event.getType())) {
                Map<String, String> all = new HashMap<>(Map.of("drain.lameDuck", "off"));
                all.putAll(parameters);
                all.forEach((name, value) -> {
                    context.removeParameter(name);
                    context.addParameter(name, value);
                });
                context.addServletContainerInitializer(new DrainInitializer(), null);
                // Whatever its paths, a web application answers them all; only then does every request reach its
                // filters.
                Tomcat.addServlet(context, "default", new DefaultServlet()).addMapping("/");
            }
        });
    }

    static Drain drain(Context context) {
        return (Drain) context.getServletContext().getAttribute(Drain.ATTRIBUTE);
    }
}
