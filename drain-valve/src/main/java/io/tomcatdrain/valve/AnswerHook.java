package io.tomcatdrain.valve;

import org.apache.coyote.AbstractProcessor;
import org.apache.coyote.ActionCode;
import org.apache.coyote.ActionHook;
import org.apache.coyote.ErrorState;
import org.apache.coyote.Response;
import org.apache.coyote.ajp.AjpProcessor;
import org.apache.coyote.http11.Http11Processor;

/**
 * Looks at an answer on its own thread, at the moments at which Tomcat commits and finishes it, wherever the application completes it:
 * stands between a pooled response and its processor. An answer that the node gives while it leaves ends its connection, and what it says
 * of an upload that comes in several requests is known here before its client knows it.
 *
 * <p>A valve comes too late for both: an answer with a Content-Length is committed and finished by the application's last write, and an
 * async one elsewhere. A front end would put one more request on the connection of each upload that was under way when the drain
 * began, and a quick client would continue a file of which the drain has not heard.
 */
final class AnswerHook implements ActionHook {
    private static final TomcatInternals TOMCAT = TomcatInternals.get();

    private final Response response;
    private final ActionHook processor;

    private AnswerHook(Response response, ActionHook processor) {
        this.response = response;
        this.processor = processor;
    }

    /** Begins to look at the answers of that pooled response; more than once changes nothing. Returns false if that cannot be done. */
    static boolean watch(Response response) {
        ActionHook hook = TOMCAT.hook(response);
        if (hook instanceof AbstractProcessor) {
            TOMCAT.hook(response, new AnswerHook(response, hook));
        }
        return TOMCAT.hook(response) instanceof AnswerHook;
    }

    @Override
    public void action(ActionCode code, Object param) {
        switch (code) {
            case COMMIT -> {
                if (!response.isCommitted()) {
                    TicketNote.isAnswered(response.getRequest());
                    if (processor instanceof Http11Processor && TicketNote.isLast(response.getRequest(), false)) {
                        Connections.endByHeader(response);
                    }
                }
                processor.action(code, param);
            }
            case CLOSE -> {
                if (processor instanceof AjpProcessor && TicketNote.isLast(response.getRequest(), true)) {
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
        boolean changed = TOMCAT.exchangeErrorState(processor, ErrorState.NONE, ErrorState.CLOSE_CLEAN);
        try {
            processor.action(ActionCode.CLOSE, param);
        } finally {
            if (changed) {
                TOMCAT.exchangeErrorState(processor, ErrorState.CLOSE_CLEAN, ErrorState.NONE);
            }
        }
    }
}
