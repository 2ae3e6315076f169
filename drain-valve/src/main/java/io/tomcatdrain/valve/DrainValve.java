package io.tomcatdrain.valve;

import io.tomcatdrain.Drain;
import io.tomcatdrain.DrainSettings.Setting;
import io.tomcatdrain.DrainState;
import io.tomcatdrain.Ticket;
import io.tomcatdrain.http.ServletDrain;
import jakarta.servlet.RequestDispatcher;
import jakarta.servlet.ServletException;
import jakarta.servlet.http.HttpServletRequest;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BooleanSupplier;
import org.apache.catalina.AccessLog;
import org.apache.catalina.Container;
import org.apache.catalina.ContainerEvent;
import org.apache.catalina.ContainerListener;
import org.apache.catalina.Context;
import org.apache.catalina.Lifecycle;
import org.apache.catalina.LifecycleEvent;
import org.apache.catalina.LifecycleException;
import org.apache.catalina.LifecycleListener;
import org.apache.catalina.LifecycleState;
import org.apache.catalina.Valve;
import org.apache.catalina.connector.Request;
import org.apache.catalina.connector.Response;
import org.apache.catalina.valves.ValveBase;
import org.apache.coyote.ContinueResponseTiming;
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
     * of invoke(), by the next request on the same pooled object (TicketNote), or by a look at those that Tomcat has lost (RequestLife). Each
     * way is a row of docs/design.md and a test of RequestEndingIT or GoneClientIT.
     */

    private static final Log LOG = LogFactory.getLog(DrainValve.class);

    private final Map<String, String> attributes = new LinkedHashMap<>();
    private final ApplicationWatch applications = new ApplicationWatch(this::runtime);
    private final LifecycleListener containerWatch = this::containerEvent;
    private final LifecycleListener serviceWatch = this::serviceEvent;
    private final ContainerListener pipelineWatch = this::pipelineEvent;

    /** Null unless the container runs. */
    private volatile @Nullable ValveRuntime runtime;

    private volatile BooleanSupplier applicationIsReady = () -> true;

    /** That of the last one that served: requests of its time may end after the stop. */
    private volatile TicketNote.@Nullable Owner lastOwner;

    /** The container, and after the valve was taken out the last one, whose access logs Tomcat goes on to ask the valve for. */
    private volatile @Nullable Container home;

    /**
     * True unless it is certain that Tomcat calls log(): the container may have looked its access logs up before the valve was there. A
     * request's end is then noticed in invoke(), where it has one there. The first call ends the doubt.
     */
    private volatile boolean unasked = true;

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
        if (runtime != null) {
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

    /** Sets the file that holds the secret, read when the container starts. */
    public void setTokenFile(String tokenFile) {
        set(Setting.TOKEN_FILE.key(), tokenFile);
    }

    public @Nullable String getTokenFile() {
        return get(Setting.TOKEN_FILE);
    }

    public void setControlPort(String controlPort) {
        set(Setting.CONTROL_PORT.key(), controlPort);
    }

    public @Nullable String getControlPort() {
        return get(Setting.CONTROL_PORT);
    }

    public void setReadyPaths(String readyPaths) {
        set(Setting.READY_PATHS.key(), readyPaths);
    }

    public @Nullable String getReadyPaths() {
        return get(Setting.READY_PATHS);
    }

    public void setUploadTypes(String uploadTypes) {
        set(Setting.UPLOAD_TYPES.key(), uploadTypes);
    }

    public @Nullable String getUploadTypes() {
        return get(Setting.UPLOAD_TYPES);
    }

    public void setUploadSize(String uploadSize) {
        set(Setting.UPLOAD_SIZE.key(), uploadSize);
    }

    public @Nullable String getUploadSize() {
        return get(Setting.UPLOAD_SIZE);
    }

    public void setStreamTypes(String streamTypes) {
        set(Setting.STREAM_TYPES.key(), streamTypes);
    }

    public @Nullable String getStreamTypes() {
        return get(Setting.STREAM_TYPES);
    }

    public void setOpenUploads(String openUploads) {
        set(Setting.OPEN_UPLOADS.key(), openUploads);
    }

    public @Nullable String getOpenUploads() {
        return get(Setting.OPEN_UPLOADS);
    }

    public void setUploadGap(String uploadGap) {
        set(Setting.UPLOAD_GAP.key(), uploadGap);
    }

    public @Nullable String getUploadGap() {
        return get(Setting.UPLOAD_GAP);
    }

    public void setUploadKeys(String uploadKeys) {
        set(Setting.UPLOAD_KEYS.key(), uploadKeys);
    }

    public @Nullable String getUploadKeys() {
        return get(Setting.UPLOAD_KEYS);
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

    public void setRefusalPages(String refusalPages) {
        set(Setting.REFUSAL_PAGES.key(), refusalPages);
    }

    public @Nullable String getRefusalPages() {
        return get(Setting.REFUSAL_PAGES);
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
            left.removeContainerListener(pipelineWatch);
            applications.unwatch(left);
            applications.withdraw(left, drain());
        }
        super.setContainer(container);
        if (container != null) {
            home = container;
            unasked = true;
            container.addLifecycleListener(containerWatch);
            container.addContainerListener(pipelineWatch);
            applications.watch(container);
        }
    }

    private void containerEvent(LifecycleEvent event) {
        switch (event.getType()) {
            case Lifecycle.BEFORE_INIT_EVENT -> beforeConnectorsBind();
            // Before the applications below start, and before they take part in a start that must fail.
            case Lifecycle.BEFORE_START_EVENT -> serve();
            case Lifecycle.BEFORE_STOP_EVENT -> beforeContainerStops();
            // Of a container that failed to start the valve was never started, and is not stopped.
            case Lifecycle.AFTER_STOP_EVENT, Lifecycle.AFTER_DESTROY_EVENT -> endServing();
            default -> {}
        }
    }

    /** Only now does the container find the valve: it was started before it was put into the pipeline. */
    private void pipelineEvent(ContainerEvent event) {
        if (Container.ADD_VALVE_EVENT.equals(event.getType()) && event.getData() == this) {
            TomcatInternals.get().lookAccessLogsUpAgain(event.getContainer());
        }
    }

    /** An engine is initialized before its connectors; other containers come later, and change nothing here. */
    private void beforeConnectorsBind() {
        if (Boolean.parseBoolean(get(Setting.CLOSE_LISTENER))) {
            ListenerCloser.letClose(ValveRuntime.serviceOf(getContainer()));
        }
    }

    private void beforeContainerStops() {
        ValveRuntime current = runtime;
        if (current != null && current.drainsOnStop()) {
            try (ContextPause pause = new ContextPause(getContainer())) {
                if (pause.lift()) {
                    // In a server's stop the drain is over by now, and the connectors are paused.
                    current.servlet.drainForStop(getContainer() + " stop", false);
                    current.servlet.awaitLast();
                } else {
                    current.servlet.begin(getContainer() + " stop", false);
                }
            }
        }
    }

    private void serviceEvent(LifecycleEvent event) {
        if (Lifecycle.BEFORE_STOP_EVENT.equals(event.getType())) {
            drainBeforeStop("service stop");
        }
    }

    /**
     * Begins the drain of a stop and returns at once; {@link #drainBeforeStop} waits for its end. Does nothing unless the container runs
     * and {@code drainOnStop} is true. Nothing undoes it.
     *
     * @param reason why, for logs and status
     */
    public void beginBeforeStop(String reason) {
        ValveRuntime current = runtime;
        if (current != null && current.drainsOnStop()) {
            current.servlet.begin(reason, true);
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
        ValveRuntime current = runtime;
        if (current != null && current.drainsOnStop()) {
            // Those around it first: only they are asked for readiness, and the lame duck is theirs.
            around().stream().filter(ValveRuntime::drainsOnStop).forEach(each -> each.servlet.begin(reason, true));
            current.servlet.drainForStop(reason, true);
            ValveRuntime.endQuietly(current.service, current.drain.settings().requestTimeout());
        }
    }

    /**
     * Drains and returns when that is over, for frameworks that may start again what they stop: {@link #resumeAfterPause} undoes it. Does
     * nothing unless the container runs and {@code drainOnStop} is true.
     *
     * @param reason why, for logs and status
     */
    public void drainBeforePause(String reason) {
        ValveRuntime current = runtime;
        if (current != null && current.drainsOnStop()) {
            var unused = current.drain.start(reason);
            current.servlet.await();
            current.servlet.answerWaiting();
        }
    }

    /**
     * Serves again, for frameworks that have started again what they had stopped, connectors first: also where {@code closeListener} has
     * closed the listening sockets, if they are all open again. Does nothing while serving, and unless the container runs.
     *
     * @throws IllegalStateException if a listening socket is still closed, or a stop has begun
     */
    public void resumeAfterPause() {
        ValveRuntime current = runtime;
        if (current != null) {
            if (ListenerCloser.areAllOpen(current.service)) {
                current.drain.noteListenersReopened();
            }
            current.drain.resume();
        }
    }

    /** Makes the drain of this start. */
    private void serve() {
        if (runtime == null) {
            ValveRuntime fresh = ValveRuntime.start(getContainer(), attributes);
            fresh.drain.onLameDuckAround(this::isLameDuckAround);
            fresh.drain.onlyReadyIf(applicationIsReady);
            lastOwner = fresh.owner;
            runtime = fresh;
        }
    }

    /** Returns those of the valves that requests pass before they come to this one, the outermost first. */
    private List<ValveRuntime> around() {
        List<ValveRuntime> found = new ArrayList<>();
        for (Container each = getContainer(); each != null; each = each.getParent()) {
            int at = 0;
            for (Valve valve : each.getPipeline().getValves()) {
                if (valve == this) {
                    break;
                }
                ValveRuntime other = valve instanceof DrainValve drains ? drains.runtime : null;
                if (other != null) {
                    found.add(at++, other);
                }
            }
        }
        return found;
    }

    private boolean isLameDuckAround() {
        return around().stream().anyMatch(each -> each.drain.state() == DrainState.LAME_DUCK);
    }

    @Override
    protected void startInternal() throws LifecycleException {
        boolean addedLate = getContainer().getState().isAvailable();
        try {
            serve();
        } catch (RuntimeException bad) {
            throw new LifecycleException(bad.getMessage(), bad);
        }
        boolean willBeAsked = TomcatInternals.get().lookAccessLogsUpAgain(getContainer());
        if (addedLate) {
            if (!willBeAsked) {
                LOG.warn("DrainValve[" + ValveRuntime.nameOf(getContainer())
                        + "]: added to a container that runs; the end of a response may be noticed"
                        + " early. Put the valve into server.xml");
            }
            applications.export(getContainer());
        } else if (willBeAsked) {
            unasked = false;
        }
        ValveRuntime current = runtime;
        if (current != null && current.drainsOnStop()) {
            current.service.addLifecycleListener(serviceWatch);
            current.hookStops();
        }
        super.startInternal();
    }

    @Override
    protected void stopInternal() throws LifecycleException {
        super.stopInternal();
        endServing();
    }

    private void endServing() {
        ValveRuntime current = runtime;
        runtime = null;
        if (current == null) {
            return;
        }
        current.service.removeLifecycleListener(serviceWatch);
        current.end();
        Container container = getContainer();
        if (container != null && container.getState() == LifecycleState.STARTED) { // the valve stops alone
            applications.withdraw(container, current.drain.forApplications());
        }
    }

    /** Returns the drain as applications have it, another one after each start; null unless the container runs. */
    public @Nullable Drain drain() {
        ValveRuntime current = runtime;
        return current == null ? null : current.drain.forApplications();
    }

    /**
     * Lets readiness be answered by no while the application itself is not ready, too; for frameworks that know, before the container starts.
     *
     * @param condition true while the application is ready; asked at each poll
     */
    public void onlyReadyIf(BooleanSupplier condition) {
        applicationIsReady = condition;
    }

    /**
     * Notes a question for readiness that is answered elsewhere, and returns what to answer.
     *
     * @return true while the front end should send work here, and where no drain runs
     */
    public boolean pollReadiness(HttpServletRequest request) {
        ValveRuntime current = runtime;
        return current == null || current.servlet.pollReadiness(request);
    }

    /** Returns true if {@code readyPaths} names the request's URL, for frameworks that answer it before the valve. */
    public boolean isReadyPath(Request request) {
        ValveRuntime current = runtime;
        return current != null && current.isReadyPath(request);
    }

    private @Nullable ValveRuntime runtime() {
        return runtime;
    }

    // ---------------------------------------------------------------- requests

    @Override
    public void invoke(Request request, Response response) throws IOException, ServletException {
        ValveRuntime current = runtime;
        if (current == null) {
            getNext().invoke(request, response);
            return;
        }
        org.apache.coyote.Request coyote = request.getCoyoteRequest();
        TicketNote note = TicketNote.of(coyote, current.owner);
        if (note.isReentry(coyote)) {
            invokeAgain(current, note, request, response);
            return;
        }
        note.begin(coyote, request.getConnector());
        boolean leaves = !current.isServing();
        String below = current.belowPath(request);
        if (isAnswered(current, request, response, below)) {
            return;
        }
        current.noteFrontEnd(note, request);
        if (leaves && current.servlet.isApplications(request)) {
            pass(current, note, request, response, false, leaves);
            return;
        }
        boolean canary = below != null;
        String method = request.getMethod();
        boolean upload = canary || current.uploads.matches(method, request);
        Ticket ticket = leaves && current.refusesHere(request, upload) ? null : admit(current, request, method, upload);
        if (ticket == null) {
            refuse(current, request, response);
            return;
        }
        note.hold(ticket, upload, method);
        pass(current, note, request, response, canary, leaves);
    }

    /**
     * The same for a request that has passed already, and comes again for an async or error dispatch, or since a valve behind this one has
     * rewritten it.
     */
    private void invokeAgain(ValveRuntime current, TicketNote note, Request request, Response response)
            throws IOException, ServletException {
        if (note.holdsUpload() && current.stops.turnsBack(request)) {
            note.close(true);
            current.servlet.refuse(request, response);
            return;
        }
        String below = request.isAsyncDispatching() ? null : current.belowPath(request);
        if (request.isAsyncDispatching() || !isAnswered(current, request, response, below)) {
            pass(current, note, request, response, below != null, !current.isServing());
        }
    }

    /**
     * Answers a request for the endpoints, or for readiness at another path.
     *
     * @param below what {@link ValveRuntime#belowPath} returns
     * @return false if it is to be admitted like any other: only a canary is, of those for the endpoints
     */
    private static boolean isAnswered(ValveRuntime current, Request request, Response response, @Nullable String below)
            throws IOException {
        if (below == null) {
            return current.isReadyPath(request) && current.servlet.answersReadiness(request, response);
        }
        if (current.servlet.isCanary(request, below)) {
            return false;
        }
        current.servlet.answer(request, response, below, current.isControlAnswered(request.getConnector()));
        return true;
    }

    /** Returns the ticket of an admitted request; null if it is refused. */
    private static @Nullable Ticket admit(
            ValveRuntime current, Request request, @Nullable String method, boolean upload) {
        boolean turnedAway = current.stops.turnsAway(request);
        if (!upload && !turnedAway) {
            return current.enterRequest(request, method);
        }
        // What is turned away enters like an upload, so that it is counted.
        Context context = request.getContext();
        return current.servlet.enterUpload(
                request, new CoyoteUpload(request), () -> turnedAway || current.stops.isStopping(context));
    }

    private void refuse(ValveRuntime current, Request request, Response response) throws IOException, ServletException {
        WatchedBody.leave(request.getCoyoteRequest());
        if (response.getStatus() >= 400) {
            getNext().invoke(request, response); // what is no request Tomcat has answered already
        } else {
            current.servlet.refuse(request, response);
        }
    }

    private void pass(
            ValveRuntime current, TicketNote note, Request request, Response response, boolean canary, boolean leaves)
            throws IOException, ServletException {
        if (leaves) {
            current.servlet.endConnection(request, response);
            // What the poller sends by itself is over for every valve when it begins.
            request.getCoyoteRequest().setSendfile(false);
        }
        boolean threw = true;
        note.enter();
        try {
            if (canary) {
                response.sendAcknowledgement(ContinueResponseTiming.ALWAYS); // else Tomcat's last valve but one would
                current.servlet.takeCanary(request, response);
            } else {
                getNext().invoke(request, response);
            }
            threw = false;
        } finally {
            note.leave();
            if (!threw && request.isAsync()) {
                keepFindable(current, note, request);
            } else {
                // Tomcat calls log() for neither: see the implementation note.
                boolean ends = threw || request.getContext() == null || unasked;
                if (ends || !note.isHooked()) {
                    current.servlet.endConnection(request, response); // the drain may have begun meanwhile
                }
                if (ends) {
                    ServletDrain.answered(note.ticket(), request, response);
                    close(note, request, threw || isFailed(note, request, response));
                }
            }
        }
    }

    private static void keepFindable(ValveRuntime current, TicketNote note, Request request) {
        Ticket ticket = note.ticket();
        if (ticket != null) {
            note.exchange(current.drain.track(ticket, new CoyoteRequest(request)));
        }
    }

    /** Closes the ticket of a request whose response has been finished. Called by Tomcat for every request, once. */
    @Override
    public void log(Request request, Response response, long time) {
        TicketNote.Owner last = lastOwner;
        if (last == null) {
            return;
        }
        TicketNote note = TicketNote.find(request.getCoyoteRequest(), last);
        if (note != null && note.isReentry(request.getCoyoteRequest())) {
            if (unasked) {
                unasked = false;
            }
            if (!note.closeShared()) {
                ServletDrain.answered(note.ticket(), request, response);
                close(note, request, isFailed(note, request, response));
            }
            note.end();
            ValveRuntime current = runtime;
            if (current != null) {
                current.tellToLeave(request);
            }
        }
        // Tomcat gives no time exactly where it looks for the default log: CoyoteAdapter passes 0 with useDefault.
        Container asked = home;
        if (time == 0 && asked != null) {
            DefaultAccessLogs.log(asked, request, response, time);
        }
    }

    private static void close(TicketNote note, Request request, boolean failed) {
        note.close(failed);
        if (note.holdsUpload()) {
            WatchedBody.leave(request.getCoyoteRequest());
        }
    }

    /** Returns true for an upload that failed. Failures of other requests are not counted, and looking costs something. */
    private static boolean isFailed(TicketNote note, Request request, Response response) {
        // An exception alone says little: a client that leaves right behind the last byte of its answer causes one on
        // HTTP/2.
        return note.holdsUpload()
                && (response.getStatus() >= 400
                        || response.isError()
                        || (request.getAttribute(RequestDispatcher.ERROR_EXCEPTION) != null && !request.isFinished()));
    }
}
