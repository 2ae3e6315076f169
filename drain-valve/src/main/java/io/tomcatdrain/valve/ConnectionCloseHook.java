package io.tomcatdrain.valve;

import java.lang.reflect.Field;
import org.apache.coyote.AbstractProcessor;
import org.apache.coyote.ActionCode;
import org.apache.coyote.ActionHook;
import org.apache.coyote.ErrorState;
import org.apache.coyote.Response;
import org.apache.coyote.ajp.AjpProcessor;
import org.apache.coyote.http11.Http11Processor;
import org.apache.juli.logging.Log;
import org.apache.juli.logging.LogFactory;
import org.jspecify.annotations.Nullable;

/**
 * Ends the connection with an answer that the node gives while it leaves, wherever the application completes it: stands between a pooled
 * response and its processor, and looks on the answer's own thread, at the moment at which Tomcat commits and finishes it.
 *
 * <p>A valve comes too late for that: an answer with a Content-Length is committed and finished by the application's last write, and an
 * async one elsewhere. Without it a front end puts one more request on the connection of each upload that was under way when the drain
 * began.
 */
final class ConnectionCloseHook implements ActionHook {
    private static final Log LOG = LogFactory.getLog(ConnectionCloseHook.class);

    private static final @Nullable Field HOOK = field(Response.class, "hook");
    private static final @Nullable Field ERROR_STATE = field(AbstractProcessor.class, "errorState");

    private final Response response;
    private final ActionHook processor;

    private ConnectionCloseHook(Response response, ActionHook processor) {
        this.response = response;
        this.processor = processor;
    }

    /** Begins to look at the answers of that pooled response, if they are HTTP/1.1's or AJP's; more than once changes nothing. */
    static void watch(Response response) {
        if (HOOK == null || ERROR_STATE == null) {
            return;
        }
        try {
            Object hook = HOOK.get(response);
            if (hook instanceof Http11Processor || hook instanceof AjpProcessor) {
                HOOK.set(response, new ConnectionCloseHook(response, (ActionHook) hook));
            }
        } catch (IllegalAccessException closed) {
            LOG.debug("not watched", closed);
        }
    }

    private static @Nullable Field field(Class<?> type, String name) {
        try {
            Field field = type.getDeclaredField(name);
            field.setAccessible(true);
            return field;
        } catch (ReflectiveOperationException | RuntimeException unknownTomcat) {
            LOG.warn("Connections whose request is under way when a drain begins stay open beyond its answer: "
                    + unknownTomcat);
            return null;
        }
    }

    @Override
    public void action(ActionCode code, Object param) {
        switch (code) {
            case COMMIT -> {
                if (processor instanceof Http11Processor
                        && !response.isCommitted()
                        && Slot.isLast(response.getRequest(), false)) {
                    Connections.endByHeader(response);
                }
                processor.action(code, param);
            }
            case CLOSE -> {
                if (processor instanceof AjpProcessor && Slot.isLast(response.getRequest(), true)) {
                    finishAndClose(param);
                } else {
                    processor.action(code, param);
                }
            }
            default -> processor.action(code, param);
        }
    }

    /**
     * Lets the END message of AJP say that its connection must not be used again, which it says in an error state only. The state is there
     * for that message alone: Tomcat would make 500 of the status, and count an error.
     */
    private void finishAndClose(Object param) {
        processor.action(ActionCode.COMMIT, response);
        boolean changed = exchange(ErrorState.NONE, ErrorState.CLOSE_CLEAN);
        try {
            processor.action(ActionCode.CLOSE, param);
        } finally {
            if (changed) {
                exchange(ErrorState.CLOSE_CLEAN, ErrorState.NONE);
            }
        }
    }

    private boolean exchange(ErrorState expected, ErrorState next) {
        try {
            if (ERROR_STATE == null || ERROR_STATE.get(processor) != expected) {
                return false;
            }
            ERROR_STATE.set(processor, next);
            return true;
        } catch (IllegalAccessException closed) {
            return false;
        }
    }
}
