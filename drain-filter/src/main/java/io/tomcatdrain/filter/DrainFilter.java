package io.tomcatdrain.filter;

import io.tomcatdrain.Drain;
import io.tomcatdrain.DrainSettings;
import io.tomcatdrain.DrainSettings.Setting;
import io.tomcatdrain.NodeDrain;
import jakarta.servlet.Filter;
import jakarta.servlet.FilterChain;
import jakarta.servlet.FilterConfig;
import jakarta.servlet.ServletContext;
import jakarta.servlet.ServletException;
import jakarta.servlet.ServletRequest;
import jakarta.servlet.ServletResponse;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.lang.System.Logger.Level;
import java.util.Collections;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Lets a web application stop without losing an upload, in any container with Servlet 6.0 or newer: counts the requests that pass, tells
 * front ends that the node leaves, and refuses new work unread.
 *
 * <p>The dependency alone is enough: {@link DrainInitializer} puts this filter before the application's own. An application that declares it by
 * itself maps it to {@code /*} for the dispatcher types {@code REQUEST} and {@code ASYNC}, with async support, before all other
 * filters.
 *
 * <p>The settings are those of {@link Setting}: system properties ({@code drain.uploadTimeout}), environment variables ({@code
 * DRAIN_UPLOAD_TIMEOUT}), init parameters of the filter ({@code uploadTimeout}) and context parameters ({@code drain.uploadTimeout});
 * what comes first in this order wins. On an error the application does not start. Where {@code DrainValve} counts the requests
 * already, the filter passes them on and does nothing else. Thread-safe once started.
 *
 * @since 1.0
 */
public final class DrainFilter implements Filter {
    /*
     * A request enters with its REQUEST dispatch. One that went async has an attribute, by which its ASYNC dispatches are known; forwards,
     * includes and error dispatches do not pass here. It leaves in the finally block of its own dispatch, or, where it went
     * async, when its last async cycle completes (AsyncCompletion).
     */
    private static final System.Logger LOG = System.getLogger(DrainFilter.class.getName());

    private @Nullable NodeDrain drain;

    /** Null unless the application runs and no valve counts its requests. */
    private volatile @Nullable FilterRuntime serving;

    /** Makes a filter that is to be started by its container. */
    public DrainFilter() {}

    /**
     * Makes the drain, so that the application finds it from its start on. Acquires nothing that would have to be released.
     *
     * @return false if the server's valve drains this application
     * @throws ServletException on an error in the settings
     */
    boolean prepare(ServletContext context, Map<String, String> initParameters) throws ServletException {
        String name = Names.ofDrain(context);
        if (context.getAttribute(Drain.ATTRIBUTE) != null) {
            LOG.log(
                    Level.INFO,
                    "DrainFilter[" + name + "]: requests are counted by the server's DrainValve already; the filter"
                            + " does nothing");
            return false;
        }
        FilterSettings settings;
        try {
            settings = FilterSettings.read(
                    System.getProperties().stringPropertyNames().stream()
                            .collect(Collectors.toMap(Function.identity(), key -> System.getProperty(key, ""))),
                    System.getenv(),
                    initParameters,
                    Collections.list(context.getInitParameterNames()).stream()
                            .collect(Collectors.toMap(Function.identity(), context::getInitParameter)));
            checkThatProbersNeedNoLogin(context, settings.values().path());
        } catch (IllegalArgumentException bad) {
            // In a line of its own: what containers log of a failed start is long.
            String message = "DrainFilter[" + name + "]: " + bad.getMessage();
            LOG.log(Level.ERROR, message);
            throw new ServletException(message, bad);
        }
        settings.warnings().forEach(warning -> LOG.log(Level.WARNING, "DrainFilter[" + name + "]: " + warning));
        NodeDrain made = new NodeDrain(name, settings.values(), context.getContextPath());
        context.setAttribute(Drain.ATTRIBUTE, made.forApplications());
        drain = made;
        return true;
    }

    /** A balancer has no password: it would take the node for down for ever. */
    private static void checkThatProbersNeedNoLogin(ServletContext context, String path) {
        String pattern = LoginCheck.patternThatGuards(context, path + "/ready");
        // A constraint for the endpoints themselves is meant.
        if (pattern != null && !(pattern + "/").startsWith(path + "/")) {
            throw new IllegalArgumentException("path [" + path + "]: the security-constraint for [" + pattern
                    + "] in WEB-INF/web.xml has the container ask for a login before a prober gets to ["
                    + context.getContextPath() + path + "/ready]; add a security-constraint without an auth-constraint"
                    + " for the url-pattern [" + path + "/*], where control needs the token all the same; or one with"
                    + " an auth-constraint, if your probers log in");
        }
    }

    @Override
    public void init(FilterConfig config) throws ServletException {
        ServletContext context = config.getServletContext();
        if (drain == null) {
            Map<String, String> parameters = Collections.list(config.getInitParameterNames()).stream()
                    .collect(Collectors.toMap(Function.identity(), config::getInitParameter));
            if (!prepare(context, parameters)) {
                return;
            }
        }
        NodeDrain prepared = drain;
        if (prepared != null) {
            serving = new FilterRuntime(prepared, context);
            LOG.log(Level.INFO, "DrainFilter[" + Names.ofDrain(context) + "]: active, " + limits(prepared, context));
        }
    }

    /** Tells where the endpoints are, whether control is on, and how long a drain can take. */
    private static String limits(NodeDrain drain, ServletContext context) {
        DrainSettings settings = drain.settings();
        String on = settings.controlPort() == null ? "on" : "on port " + settings.controlPort();
        return "endpoints at [" + context.getContextPath() + settings.path() + "], control over HTTP "
                + (settings.hasToken() ? on + ", by token" : "off, since there is no token")
                + "; a drain waits for uploads at most [" + settings.text(Setting.UPLOAD_TIMEOUT)
                + "], for other requests [" + settings.text(Setting.REQUEST_TIMEOUT) + "]";
    }

    @Override
    public void doFilter(ServletRequest request, ServletResponse response, FilterChain chain)
            throws IOException, ServletException {
        FilterRuntime current = serving;
        if (current != null
                && request instanceof HttpServletRequest httpRequest
                && response instanceof HttpServletResponse httpResponse) {
            current.serve(httpRequest, httpResponse, chain);
        } else {
            chain.doFilter(request, response);
        }
    }

    /** Drains, as far as the container still lets requests in flight finish, and leaves nothing behind. */
    @Override
    public void destroy() {
        FilterRuntime current = serving;
        serving = null;
        drain = null;
        if (current != null) {
            current.close();
        }
    }
}
