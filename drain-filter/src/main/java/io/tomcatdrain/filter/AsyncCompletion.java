package io.tomcatdrain.filter;

import io.tomcatdrain.NodeDrain;
import io.tomcatdrain.Ticket;
import io.tomcatdrain.http.ServletDrain;
import jakarta.servlet.AsyncEvent;
import jakarta.servlet.AsyncListener;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import org.jspecify.annotations.Nullable;

/**
 * Closes the ticket of a request that went async when its last cycle has completed. A timeout or an error is no end: other listeners
 * may still answer or dispatch, and the container completes the cycle in any case.
 */
final class AsyncCompletion implements AsyncListener {
    /** The attribute of a request that went async, by which its dispatches are known from new requests. */
    private static final String ATTRIBUTE = AsyncCompletion.class.getName();

    private final Ticket ticket;
    private final HttpServletRequest request;
    private final HttpServletResponse response;
    private final @Nullable ServletUpload progress;
    private volatile boolean failed;

    private AsyncCompletion(
            Ticket ticket, HttpServletRequest request, HttpServletResponse response, @Nullable ServletUpload progress) {
        this.ticket = ticket;
        this.request = request;
        this.response = response;
        this.progress = progress;
    }

    /** Returns false if the request is not async, or not any more: its ticket is the caller's to close. */
    static boolean takesOver(
            NodeDrain drain,
            Ticket ticket,
            HttpServletRequest request,
            HttpServletResponse response,
            @Nullable ServletUpload progress) {
        if (!request.isAsyncStarted()) {
            return false;
        }
        Ticket findable = drain.track(ticket, new ServletAnswer(request, response));
        AsyncCompletion completion = new AsyncCompletion(findable, request, response, progress);
        try {
            request.setAttribute(ATTRIBUTE, completion);
            request.getAsyncContext().addListener(completion);
        } catch (IllegalStateException overAlready) {
            completion.close();
        }
        return true;
    }

    /** Returns true if the request has passed the filter already, by itself or as the one that it was forwarded from. */
    static boolean isAdmitted(HttpServletRequest request) {
        return switch (request.getDispatcherType()) {
            case REQUEST -> false;
            // One that comes from an application without the filter is new here.
            case ASYNC -> request.getAttribute(ATTRIBUTE) != null;
            case FORWARD, INCLUDE, ERROR -> true;
        };
    }

    /** Returns true if the request was answered with an error, or was an upload whose body did not come whole. */
    static boolean isFailed(HttpServletResponse response, @Nullable ServletUpload progress) {
        return response.getStatus() >= 400 || (progress != null && progress.isCut());
    }

    private void close() {
        ServletDrain.answered(ticket, request, response);
        ticket.close(failed || isFailed(response, progress));
    }

    @Override
    public void onComplete(AsyncEvent event) {
        close();
    }

    @Override
    public void onError(AsyncEvent event) {
        failed = true;
    }

    @Override
    public void onTimeout(AsyncEvent event) {}

    /** The next cycle of the same request: listeners do not stay by themselves. */
    @Override
    public void onStartAsync(AsyncEvent event) {
        event.getAsyncContext().addListener(this);
    }
}
