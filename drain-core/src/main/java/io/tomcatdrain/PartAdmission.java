package io.tomcatdrain;

import java.util.function.BooleanSupplier;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Admits requests that may be parts of uploads which come in several, or come beside an upload: through the gates like any other, and while
 * these are sealed through those that are kept for what was begun here. Thread-safe; takes a lock only for what names an open upload.
 */
final class PartAdmission {
    private final Admission admission;
    private final OpenUploads open;

    PartAdmission(Admission admission, OpenUploads open) {
        this.admission = admission;
        this.open = open;
    }

    /** As {@link NodeDrain#enterRequest(Ticket.Part, BooleanSupplier)}. */
    @Nullable Ticket request(Ticket.@Nullable Part part, BooleanSupplier besideUpload) {
        Ticket ticket = part == null ? admission.tryRequest() : part(part);
        if (ticket == null && (part == null || !part.opens()) && besideUpload.getAsBoolean()) {
            ticket = lateRequest();
        }
        if (ticket == null) {
            admission.noteRefused();
        }
        return ticket;
    }

    private @Nullable Ticket part(Ticket.Part part) {
        boolean comes = open.comes(part); // before the gate: a drain waits for it from now on
        InFlightGate entered = null;
        try {
            entered = part.opens() && !comes ? admission.tryOpening() : admission.tryRequest();
            if (entered == null && comes) {
                entered = lateRequest();
            }
        } finally {
            came(part, comes, entered != null);
        }
        return entered == null ? null : new PartTicket(entered, part);
    }

    private @Nullable InFlightGate lateRequest() {
        InFlightGate entered = admission.tryLateRequest();
        return entered != null ? entered : admission.tryRequest(); // the node has resumed in between
    }

    /** As {@link NodeDrain#enterUpload(UploadSource, Ticket.Part, Supplier, BooleanSupplier)}. */
    @Nullable UploadTicket upload(
            UploadSource source,
            Ticket.@Nullable Part part,
            Supplier<Ticket.@Nullable Part> late,
            BooleanSupplier isStopping) {
        UploadTicket ticket = part != null ? upload(source, part) : admission.tryUpload(source, null);
        if (ticket == null && part == null) {
            Ticket.Part lateOne = late.get();
            ticket = lateOne != null ? upload(source, lateOne) : admission.admitUpload(source);
        }
        if (ticket == null) {
            return null;
        }
        boolean refused = true;
        try {
            refused = isStopping.getAsBoolean();
        } finally {
            if (refused) {
                ticket.refuse();
            }
        }
        return refused ? null : ticket;
    }

    private @Nullable UploadTicket upload(UploadSource source, Ticket.Part part) {
        boolean comes = open.comes(part);
        UploadTicket ticket = null;
        try {
            ticket = admission.tryUpload(source, part);
            if (ticket == null && comes) {
                ticket = admission.tryLateUpload(source, part);
            }
            if (ticket == null && comes) {
                ticket = admission.tryUpload(source, part); // the node has resumed in between
            }
        } finally {
            came(part, comes, ticket != null);
            if (ticket == null) {
                admission.noteRefused();
            }
        }
        return ticket;
    }

    private void came(Ticket.Part part, boolean comes, boolean admitted) {
        if (comes && admitted) {
            open.isIn();
        } else if (comes) {
            open.isTurnedAway(part);
        }
    }
}
