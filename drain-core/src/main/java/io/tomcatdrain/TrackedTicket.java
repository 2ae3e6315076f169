package io.tomcatdrain;

import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** The ticket of a plain request that the registry can find again, since the container may drop it without a word. */
final class TrackedTicket extends Ticket {
    private final Ticket ticket;
    private final BooleanSupplier isGone;
    private final Consumer<TrackedTicket> onClose;
    private final AtomicBoolean closed = new AtomicBoolean();

    TrackedTicket(Ticket ticket, BooleanSupplier isGone, Consumer<TrackedTicket> onClose) {
        this.ticket = ticket;
        this.isGone = isGone;
        this.onClose = onClose;
    }

    @Override
    public @Nullable UploadPart part() {
        return ticket.part();
    }

    void closeIfGone() {
        if (isGone()) {
            close(true);
        }
    }

    /** A fault in an adapter must not keep a drain from going on. */
    private boolean isGone() {
        try {
            return isGone.getAsBoolean();
        } catch (RuntimeException | Error fault) {
            return false;
        }
    }

    @Override
    public void close(boolean failed) {
        if (closed.compareAndSet(false, true)) {
            ticket.close(failed);
            onClose.accept(this);
        }
    }
}
