package io.tomcatdrain;

import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * One admitted request. The adapter that was given the ticket closes it when the response has left the server, from any thread.
 *
 * <p>Closing an upload's ticket, or one made by {@link NodeDrain#track}, counts once however often it is done. Plain requests
 * share one ticket for as long as the node serves, so that admitting one allocates nothing: the adapter closes it exactly
 * once per admission.
 *
 * @since 1.0
 */
public abstract class Ticket implements AutoCloseable {

    /**
     * What an adapter knows of a request that is no upload: whether it is still there, and for the report of a drain which it is. Asked
     * from any thread while the request runs, so an implementation must never answer from a request object that the container has
     * reused.
     *
     * @since 1.0
     */
    @FunctionalInterface
    public interface Subject {

        /** Returns true if the container has dropped the request without a call to the adapter; its ticket is then closed. */
        boolean isGone();

        /** Returns the request method; null if unknown. */
        default @Nullable String method() {
            return null;
        }

        /** Returns the request path without its query string, decoded; null if unknown. */
        default @Nullable String path() {
            return null;
        }

        /** Returns the content type of the answer as it is at present; null if it has none, or if unknown. */
        default @Nullable String contentType() {
            return null;
        }

        /** Returns how long ago the request began, in milliseconds; −1 if unknown. */
        default long elapsedMillis() {
            return -1;
        }

        /** Ends an answer that has no end of its own, since the server is about to stop; does nothing if that cannot be done. */
        default void end() {}
    }

    private final @Nullable Part part;

    Ticket(@Nullable Part part) {
        this.part = part;
    }

    /** Closes the ticket of a request that ended well. Never throws and never blocks. */
    @Override
    public final void close() {
        close(false);
    }

    /**
     * Closes the ticket. Never throws and never blocks.
     *
     * @param failed true if the request was aborted or answered with an error; uploads are counted apart by it
     */
    public abstract void close(boolean failed);

    /** Returns what the request is of an upload that comes in several requests; null if it is no part of one. */
    public final @Nullable Part part() {
        return part;
    }

    /** Returns true if many requests have this very ticket, so that an adapter may keep it when it has closed it for one of them. */
    public boolean isShared() {
        return false;
    }

    /** Returns true if the request is a part of an upload that comes in several requests. */
    public final boolean isPart() {
        return part != null;
    }

    /**
     * One request as a part of an upload that comes in several: what its head says and, before its ticket is closed, what its answer said.
     * Made by the core's own servlet side, carried by the request's ticket. Thread-safe.
     */
    public static final class Part {

        /** What a request does to the upload that it names. */
        public enum Kind {
            /** It asks (GET, HEAD, OPTIONS): passes, but neither makes nor prolongs anything. */
            READS,
            /** It brings something. */
            WRITES,
            /** It takes the upload away. */
            DELETES
        }

        /**
         * A name of an upload.
         *
         * @param text what no other upload is called
         * @param ofClient true if others could guess it: it then counts together with the client only
         */
        public record Name(String text, boolean ofClient) {}

        /**
         * What a head says of the bytes; −1 for what it does not say.
         *
         * @param offset where in the file its body begins
         * @param contentLength how many bytes its body has
         * @param length how many the whole file has
         * @param chunk the number of its chunk, from 0 on
         * @param chunks how many chunks there are
         */
        public record Progress(long offset, long contentLength, long length, int chunk, int chunks) {
            /** Nothing is known. */
            public static final Progress UNKNOWN = new Progress(-1, -1, -1, -1, -1);
        }

        /**
         * What the head of a request says.
         *
         * @param kind what it does
         * @param method its method
         * @param path where it goes, as it is shown; never the name of one upload where that is a secret
         * @param client who sends it: a text that is the same for all requests of one client; null if unknown
         * @param names what the upload that it continues may be called
         * @param opens the name of the upload that it opens if it is answered well; null if it opens none by itself
         * @param locates true if it opens the upload that the answer's {@code Location} names
         * @param last true if the upload is whole once it is answered well
         * @param endShows true if a request or an answer will show when the upload is whole
         * @param progress its place in the file
         */
        public record Head(
                Kind kind,
                String method,
                String path,
                @Nullable String client,
                List<Name> names,
                @Nullable Name opens,
                boolean locates,
                boolean last,
                boolean endShows,
                Progress progress) {

            public Head {
                names = List.copyOf(names);
            }
        }

        /**
         * What an answer says.
         *
         * @param status its status
         * @param locations the names that its {@code Location} may give to the upload, the likeliest first; empty if it gives none
         * @param offset how many bytes of the file the server has; −1 if it does not say
         * @param incomplete true if it says that the upload is not whole
         * @param client who has it, as {@link Head#client()}: a session may be made or renamed meanwhile; null if unknown
         */
        public record Answer(
                int status,
                List<Name> locations,
                long offset,
                boolean incomplete,
                @Nullable String client) {

            public Answer {
                locations = List.copyOf(locations);
            }

            boolean isGood() {
                return status >= 200 && status < 300;
            }

            boolean saysGone() {
                return status == 404 || status == 410;
            }
        }

        /** Told of the end of a part, once: when its answer is known, or its ticket leaves the gate. Must not block. */
        interface Ends {
            void ended(Part part);
        }

        private final Head head;
        private final Ends ends;

        /** Where its bytes can be read; null for what is no upload by itself. */
        private final AtomicReference<@Nullable UploadSource> source = new AtomicReference<>();

        private final AtomicReference<@Nullable Answer> answer = new AtomicReference<>();
        private final AtomicBoolean ended = new AtomicBoolean();

        Part(Head head, Ends ends) {
            this.head = head;
            this.ends = ends;
        }

        /** Returns what the head says. */
        public Head head() {
            return head;
        }

        /**
         * Notes the answer, before the ticket is closed; a part without one counts as broken off. The first one counts. If it is noted
         * before it leaves the server, the drain knows the upload before its client goes on with it.
         */
        public void answered(Answer given) {
            if (answer.compareAndSet(null, given) && isBodyComplete()) {
                end();
            }
        }

        /** False for a body whose end is unknown, too. */
        private boolean isBodyComplete() {
            long length = head.progress().contentLength();
            return source.get() == null || (length >= 0 && bytesReceived() >= length);
        }

        @Nullable Answer answer() {
            return answer.get();
        }

        void carriedBy(UploadSource upload) {
            source.set(upload);
        }

        /** Returns true if it would begin a new upload. */
        boolean opens() {
            return head.kind() == Kind.WRITES && (head.locates() || head.opens() != null);
        }

        /** Returns how many bytes of its body have arrived; 0 where that cannot be known. */
        long bytesReceived() {
            UploadSource upload = source.get();
            try {
                return upload == null ? 0 : Math.max(0, upload.bytesReceived());
            } catch (RuntimeException | Error fault) {
                return 0;
            }
        }

        /** For the ticket that carries it; more than once is as good as once. */
        void end() {
            if (ended.compareAndSet(false, true)) {
                ends.ended(this);
            }
        }
    }
}
