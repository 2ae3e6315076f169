package io.tomcatdrain.valve;

import io.tomcatdrain.Drain;
import io.tomcatdrain.DrainSettings;
import io.tomcatdrain.DrainSettings.Setting;
import io.tomcatdrain.DrainState;
import io.tomcatdrain.Ticket;
import jakarta.servlet.RequestDispatcher;
import jakarta.servlet.ServletException;
import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.apache.catalina.AccessLog;
import org.apache.catalina.Container;
import org.apache.catalina.Context;
import org.apache.catalina.Engine;
import org.apache.catalina.Lifecycle;
import org.apache.catalina.LifecycleEvent;
import org.apache.catalina.LifecycleException;
import org.apache.catalina.LifecycleListener;
import org.apache.catalina.LifecycleState;
import org.apache.catalina.Service;
import org.apache.catalina.connector.Connector;
import org.apache.catalina.connector.Request;
import org.apache.catalina.connector.Response;
import org.apache.catalina.valves.ValveBase;
import org.apache.juli.logging.Log;
import org.apache.juli.logging.LogFactory;
import org.jspecify.annotations.Nullable;

/**
 * Lets a Tomcat stop without losing an upload: counts the requests that pass, tells front ends that the node leaves, refuses new work
 * unread, and holds every kind of stop until what was accepted has been answered.
 *
 * <pre>{@code
 * <Valve className="io.tomcatdrain.valve.DrainValve" token="${drain.token}" />
 * }</pre>
 *
 * <p>Belongs into an Engine; a Host or a Context works too. The attributes are those of {@link Setting}. Setters take the text of
 * server.xml and only note it: everything is checked when the container starts, which fails with a message on any error, because
 * Tomcat itself merely logs what a setter throws. After the start no attribute can be changed. Thread-safe once started.
 *
 * @since 1.0
 */
public class DrainValve extends ValveBase implements AccessLog {
    /*
     * A request passes invoke() when it comes and again at each of its async and error dispatches; log(), as for every access log, is
     * called once after its response was finished. Where Tomcat ends a request without log(), it is closed here: by the finally block
     * of invoke(), by the next request on the same pooled object (Slot), or by a look at those that Tomcat has lost (RequestLife). Each
     * way is a row of docs/design.md and a test of RequestEndingIT or GoneClientIT.
     */

    private static final Log LOG = LogFactory.getLog(DrainValve.class);

    /** How long a stop waits for the last lines of the log. */
    private static final long LOG_MILLIS = 1_000;

    private final Map<String, String> attributes = new LinkedHashMap<>();
    private final ApplicationWatch applications = new ApplicationWatch(this::serving);
    private final LifecycleListener containerWatch = this::containerEvent;
    private final LifecycleListener serviceWatch = this::serviceEvent;

    /** Null unless the container runs. */
    private volatile @Nullable Serving serving;

    /** That of the last one that served: requests of its time may end after the stop. */
    private volatile Slot.@Nullable Owner lastOwner;

    /** The container, and after the valve was taken out the last one, whose access logs Tomcat goes on to ask the valve for. */
    private volatile @Nullable Container home;

    /** True if the container's access logs were looked up before this valve was there, so that log() may never be called. */
    private boolean addedLate;

    /** Makes a valve that supports async requests. */
    public DrainValve() {
        super(true);
    }

    // ---------------------------------------------------------------- attributes

    /**
     * Notes an attribute for which there is no setter, so that it can be reported when the container starts.
     *
     * @return true: Tomcat must not warn where the start is going to fail
     */
    public boolean setProperty(String name, String value) {
        set(name, value);
        return true;
    }

    private void set(String name, String value) {
        if (serving != null) {
            throw new IllegalStateException(
                    "DrainValve: " + name + " cannot be changed while the container runs; set it in server.xml");
        }
        attributes.put(name, value);
    }

    private @Nullable String get(Setting setting) {
        String set = attributes.get(setting.key());
        return set != null ? set : setting.defaultValue();
    }

    public void setPath(String path) {
        set(Setting.PATH.key(), path);
    }

    public @Nullable String getPath() {
        return get(Setting.PATH);
    }

    /** Sets the secret for the control endpoints. There is no getter. */
    public void setToken(String token) {
        set(Setting.TOKEN.key(), token);
    }

    public void setControlPort(String controlPort) {
        set(Setting.CONTROL_PORT.key(), controlPort);
    }

    public @Nullable String getControlPort() {
        return get(Setting.CONTROL_PORT);
    }

    public void setUploadTypes(String uploadTypes) {
        set(Setting.UPLOAD_TYPES.key(), uploadTypes);
    }

    public @Nullable String getUploadTypes() {
        return get(Setting.UPLOAD_TYPES);
    }

    public void setRefuse(String refuse) {
        set(Setting.REFUSE.key(), refuse);
    }

    public @Nullable String getRefuse() {
        return get(Setting.REFUSE);
    }

    public void setLameDuck(String lameDuck) {
        set(Setting.LAME_DUCK.key(), lameDuck);
    }

    public @Nullable String getLameDuck() {
        return get(Setting.LAME_DUCK);
    }

    public void setLameDuckTimeout(String lameDuckTimeout) {
        set(Setting.LAME_DUCK_TIMEOUT.key(), lameDuckTimeout);
    }

    public @Nullable String getLameDuckTimeout() {
        return get(Setting.LAME_DUCK_TIMEOUT);
    }

    public void setProbeFailures(String probeFailures) {
        set(Setting.PROBE_FAILURES.key(), probeFailures);
    }

    public @Nullable String getProbeFailures() {
        return get(Setting.PROBE_FAILURES);
    }

    public void setCloseListener(String closeListener) {
        set(Setting.CLOSE_LISTENER.key(), closeListener);
    }

    public @Nullable String getCloseListener() {
        return get(Setting.CLOSE_LISTENER);
    }

    public void setUploadTimeout(String uploadTimeout) {
        set(Setting.UPLOAD_TIMEOUT.key(), uploadTimeout);
    }

    public @Nullable String getUploadTimeout() {
        return get(Setting.UPLOAD_TIMEOUT);
    }

    public void setRequestTimeout(String requestTimeout) {
        set(Setting.REQUEST_TIMEOUT.key(), requestTimeout);
    }

    public @Nullable String getRequestTimeout() {
        return get(Setting.REQUEST_TIMEOUT);
    }

    public void setStallTimeout(String stallTimeout) {
        set(Setting.STALL_TIMEOUT.key(), stallTimeout);
    }

    public @Nullable String getStallTimeout() {
        return get(Setting.STALL_TIMEOUT);
    }

    public void setRetryAfter(String retryAfter) {
        set(Setting.RETRY_AFTER.key(), retryAfter);
    }

    public @Nullable String getRetryAfter() {
        return get(Setting.RETRY_AFTER);
    }

    public void setRefusalStatus(String refusalStatus) {
        set(Setting.REFUSAL_STATUS.key(), refusalStatus);
    }

    public @Nullable String getRefusalStatus() {
        return get(Setting.REFUSAL_STATUS);
    }

    public void setDrainOnStop(String drainOnStop) {
        set(Setting.DRAIN_ON_STOP.key(), drainOnStop);
    }

    public @Nullable String getDrainOnStop() {
        return get(Setting.DRAIN_ON_STOP);
    }

    public void setKillAfter(String killAfter) {
        set(Setting.KILL_AFTER.key(), killAfter);
    }

    public @Nullable String getKillAfter() {
        return get(Setting.KILL_AFTER);
    }

    /** Does nothing: the valve writes no log of its own. */
    @Override
    public void setRequestAttributesEnabled(boolean requestAttributesEnabled) {}

    @Override
    public boolean getRequestAttributesEnabled() {
        return false;
    }

    // ---------------------------------------------------------------- life cycle

    /** Joins a container, whose web applications find the drain from their start on. */
    @Override
    public void setContainer(@Nullable Container container) {
        Container left = getContainer();
        if (left != null) {
            left.removeLifecycleListener(containerWatch);
            applications.unwatch(left);
            applications.withdraw(left, drain());
        }
        super.setContainer(container);
        if (container != null) {
            home = container;
            container.addLifecycleListener(containerWatch);
            applications.watch(container);
        }
    }

    private void containerEvent(LifecycleEvent event) {
        switch (event.getType()) {
            case Lifecycle.BEFORE_INIT_EVENT -> beforeConnectorsBind();
            // Before the applications below start, and before they take part in a start that must fail.
            case Lifecycle.BEFORE_START_EVENT -> prepare();
            case Lifecycle.BEFORE_STOP_EVENT -> beforeContainerStops();
            // Of a container that failed to start the valve was never started, and is not stopped.
            case Lifecycle.AFTER_STOP_EVENT, Lifecycle.AFTER_DESTROY_EVENT -> endServing();
            default -> {}
        }
    }

    /** An engine is initialized before its connectors; other containers come later, and change nothing here. */
    private void beforeConnectorsBind() {
        if (Boolean.parseBoolean(get(Setting.CLOSE_LISTENER))) {
            ListenerCloser.letClose(engineOf(getContainer()).getService());
        }
    }

    private void beforeContainerStops() {
        Serving current = serving;
        if (current != null && current.drain.settings().drainOnStop()) {
            // In a server's stop the drain is over by now, and the connectors are paused.
            current.stop.stopAlone(getContainer() + " stop", false);
            current.stop.awaitLast();
        }
    }

    private void serviceEvent(LifecycleEvent event) {
        if (Lifecycle.BEFORE_STOP_EVENT.equals(event.getType())) {
            drainBeforeStop("service stop");
        }
    }

    /**
     * Drains as a stop of the server does and returns when that is over and the listeners are closed; for frameworks that take parts of
     * their own away before they stop the server. Does nothing unless the container runs and {@code drainOnStop} is true. Nothing undoes
     * it. The server's own stop finds the drain over.
     *
     * @param reason why, for logs and status
     */
    public void drainBeforeStop(String reason) {
        Serving current = serving;
        if (current != null && current.drain.settings().drainOnStop()) {
            current.stop.stopAlone(reason, true);
            DrainStop.closeListeners(current.stop.service());
        }
    }

    /** Makes the drain of this start. */
    private void prepare() {
        if (serving != null) {
            return;
        }
        Container container = getContainer();
        String who = "DrainValve[" + nameOf(container) + "]: ";
        DrainSettings settings;
        Service service = engineOf(container).getService();
        try {
            settings = DrainSettings.of(attributes);
            requireConnector(settings.controlPort(), service);
        } catch (IllegalArgumentException bad) {
            // In a line of its own: what Tomcat logs of a failed start is long, and its clean-up of an engine fails,
            // too.
            LOG.error(who + bad.getMessage());
            throw new IllegalArgumentException(who + bad.getMessage(), bad);
        }
        settings.warnings().forEach(warning -> LOG.warn(who + warning));
        Drain drain = new Drain(nameOf(container), settings);
        drain.onListenersToClose(() -> ListenerCloser.closeAll(service, settings.controlPort()));
        String contextPath = container instanceof Context context ? context.getPath() : "";
        Serving fresh = new Serving(drain, service, contextPath);
        lastOwner = fresh.owner;
        serving = fresh;
    }

    private static void requireConnector(@Nullable Integer controlPort, Service service) {
        if (controlPort == null) {
            return;
        }
        for (Connector connector : service.findConnectors()) {
            if (Serving.hasPort(connector, controlPort)) {
                return;
            }
        }
        throw new IllegalArgumentException(
                "controlPort [" + controlPort + "]: no connector of service [" + service.getName()
                        + "] has that port; add one, or leave controlPort out to be answered on every connector");
    }

    private static String nameOf(Container container) {
        return container.getName().isEmpty() ? "/" : container.getName();
    }

    private static Engine engineOf(Container container) {
        Container top = container;
        while (top.getParent() != null) {
            top = top.getParent();
        }
        if (top instanceof Engine engine) {
            return engine;
        }
        throw new IllegalStateException("DrainValve: [" + container + "] belongs to no engine");
    }

    @Override
    protected void startInternal() throws LifecycleException {
        addedLate = getContainer().getState().isAvailable();
        try {
            prepare();
        } catch (RuntimeException bad) {
            throw new LifecycleException(bad.getMessage(), bad);
        }
        if (addedLate) {
            LOG.warn("DrainValve[" + nameOf(getContainer())
                    + "]: added to a container that runs; the end of a response may be noticed"
                    + " early. Put the valve into server.xml");
            applications.export(getContainer());
        }
        Serving current = serving;
        if (current != null && current.drain.settings().drainOnStop()) {
            Service service = current.stop.service();
            service.addLifecycleListener(serviceWatch);
            StopHook.add(service.getServer(), current.stop);
        }
        super.startInternal();
    }

    @Override
    protected void stopInternal() throws LifecycleException {
        super.stopInternal();
        endServing();
    }

    private void endServing() {
        Serving current = serving;
        serving = null;
        if (current == null) {
            return;
        }
        Service service = current.stop.service();
        service.removeLifecycleListener(serviceWatch);
        StopHook.remove(service.getServer(), current.stop);
        current.endpoints.close();
        current.drain.close();
        current.owner.retire();
        try {
            current.drain.awaitListeners(LOG_MILLIS, TimeUnit.MILLISECONDS);
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
        }
        current.registration.close(); // after all that, so that whoever watches is told how it ended
        Container container = getContainer();
        if (container != null && container.getState() == LifecycleState.STARTED) { // the valve stops alone
            applications.withdraw(container, current.drain);
        }
    }

    /** Returns the drain, which is another after each start; null unless the container runs. */
    public @Nullable Drain drain() {
        Serving current = serving;
        return current == null ? null : current.drain;
    }

    private @Nullable Serving serving() {
        return serving;
    }

    // ---------------------------------------------------------------- requests

    @Override
    public void invoke(Request request, Response response) throws IOException, ServletException {
        Serving current = serving;
        if (current == null) {
            getNext().invoke(request, response);
            return;
        }
        Slot slot = Slot.of(request.getCoyoteRequest(), current.owner);
        if (slot.isReentry(request.getCoyoteRequest())) {
            pass(current, slot, request, response);
            return;
        }
        slot.begin(request.getCoyoteRequest());
        String below = current.belowPath(request);
        if (below != null) {
            current.endpoints.handle(request, response, below, current.isControlAnswered(request.getConnector()));
            return;
        }
        current.noteFrontEnd(request);
        boolean upload = current.uploads.matches(request.getCoyoteRequest().contentType());
        Ticket ticket = upload ? enterUpload(current, request) : current.drain.enterRequest();
        if (ticket == null) {
            current.refuser.refuse(request, response);
            return;
        }
        slot.hold(ticket, upload);
        // Not Catalina's own attribute: this one costs 32 bytes, fires no listener and cannot be removed by the
        // application.
        request.getCoyoteRequest().setAttribute(Drain.ATTRIBUTE, current.drain);
        pass(current, slot, request, response);
    }

    private static @Nullable Ticket enterUpload(Serving current, Request request) {
        Context context = request.getContext();
        return current.drain.enterUpload(new CoyoteUpload(request), () -> current.stops.isStopping(context));
    }

    private void pass(Serving current, Slot slot, Request request, Response response)
            throws IOException, ServletException {
        endConnection(current, request, response);
        boolean threw = true;
        try {
            getNext().invoke(request, response);
            threw = false;
        } finally {
            boolean async = !threw && request.isAsync();
            if (async) {
                keepFindable(current, slot, request);
            } else {
                endConnection(current, request, response); // the drain may have begun meanwhile
                // Tomcat calls log() for neither: see the implementation note.
                if (threw || request.getContext() == null || addedLate) {
                    slot.close(threw || isFailed(slot, request, response));
                }
            }
        }
    }

    private static void keepFindable(Serving current, Slot slot, Request request) {
        Ticket ticket = slot.ticket();
        if (ticket != null) {
            slot.exchange(current.drain.track(ticket, new RequestLife(request.getCoyoteRequest())::isOver));
        }
    }

    /** Lets a node that leaves keep no connection beyond this answer. */
    private static void endConnection(Serving current, Request request, Response response) {
        if (current.drain.state() != DrainState.SERVING) {
            Connections.endWithAnswer(request, response);
        }
    }

    /** Closes the ticket of a request whose response has been finished. Called by Tomcat for every request, once. */
    @Override
    public void log(Request request, Response response, long time) {
        Slot.Owner last = lastOwner;
        if (last == null) {
            return;
        }
        Slot slot = Slot.find(request.getCoyoteRequest(), last);
        if (slot != null && slot.isReentry(request.getCoyoteRequest())) {
            slot.close(isFailed(slot, request, response));
            slot.end();
        }
        // Tomcat gives no time exactly where it looks for the default log: CoyoteAdapter passes 0 with useDefault.
        Container asked = home;
        if (time == 0 && asked != null) {
            LowerAccessLogs.log(asked, request, response, time);
        }
    }

    /** Returns true for an upload that failed; of other requests nobody counts that, and looking costs something. */
    private static boolean isFailed(Slot slot, Request request, Response response) {
        // An exception alone says little: a client that leaves right behind the last byte of its answer causes one on
        // HTTP/2.
        return slot.holdsUpload()
                && (response.getStatus() >= 400
                        || response.isError()
                        || (request.getAttribute(RequestDispatcher.ERROR_EXCEPTION) != null && !request.isFinished()));
    }
}
