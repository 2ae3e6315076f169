package io.tomcatdrain.valve;

import io.tomcatdrain.Ticket;
import java.io.File;
import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.List;
import org.apache.catalina.Service;
import org.apache.catalina.connector.Connector;
import org.apache.coyote.Processor;
import org.apache.coyote.Request;
import org.apache.coyote.Response;
import org.apache.tomcat.util.buf.MessageBytes;
import org.apache.tomcat.util.net.AbstractEndpoint;
import org.apache.tomcat.util.net.Nio2Endpoint;
import org.apache.tomcat.util.net.NioEndpoint;
import org.apache.tomcat.util.net.SendfileDataBase;
import org.apache.tomcat.util.net.SocketWrapperBase;
import org.jspecify.annotations.Nullable;

/**
 * The downloads of a service: answers that come to an end, since their length is known or they ask the browser to keep them as a file, and
 * files that Tomcat sends by itself when their requests are over. Any other answer without a known length may go on for ever.
 */
final class AnswersOnTheirWay {
    private static final String ATTACHMENT = "attachment";

    private final TicketNote.Owner owner;
    private final Service service;
    private final long stallNanos;

    /** How far an answer was at the last look, and since when; the generation distinguishes the uses of a pooled object. */
    private record Seen(long generation, long position, long sinceNanos) {}

    /** Those of the last look. For one thread after the other. */
    private IdentityHashMap<Object, Seen> seen = new IdentityHashMap<>();

    AnswersOnTheirWay(TicketNote.Owner owner, Service service, long stallNanos) {
        this.owner = owner;
        this.service = service;
        this.stallNanos = stallNanos;
    }

    /** Returns true if one has moved since the last looks, or is seen for the first time. To be called about once a second. */
    boolean move() {
        long now = System.nanoTime();
        IdentityHashMap<Object, Seen> fresh = new IdentityHashMap<>();
        boolean moves = false;
        for (Request request : owner.pooledRequests()) {
            Response answer = request.getResponse();
            if (answer.isCommitted() && (answer.getContentLengthLong() > 0 || isDownload(answer))) {
                moves |= moves(request, request.getStartTimeNanos(), answer.getContentWritten(), now, fresh);
            }
        }
        for (SentFile file : files()) {
            moves |= moves(file.data, 0, file.left, now, fresh);
        }
        seen = fresh;
        return moves;
    }

    private boolean moves(Object key, long generation, long position, long now, IdentityHashMap<Object, Seen> fresh) {
        Seen before = seen.get(key);
        long since = before != null && before.generation == generation && before.position == position
                ? before.sinceNanos
                : now;
        fresh.put(key, new Seen(generation, position, since));
        return now - since < stallNanos;
    }

    /** Returns true for an answer that a browser keeps as a file: it has an end although nothing has announced it. */
    private static boolean isDownload(Response answer) {
        MessageBytes disposition = answer.getMimeHeaders().getValue("Content-Disposition");
        // Copied without being changed: this is not the answer's own thread.
        String text = disposition == null ? null : SeenRequest.text(disposition);
        return text != null && text.strip().regionMatches(true, 0, ATTACHMENT, 0, ATTACHMENT.length());
    }

    /** Returns true if Tomcat sends files by itself. */
    boolean leave() {
        return !files().isEmpty();
    }

    /** Names the files that Tomcat sends by itself and whose requests are over. */
    List<Ticket.Subject> names() {
        List<Ticket.Subject> names = new ArrayList<>();
        for (SentFile file : files()) {
            Request request = file.request;
            Ticket.Subject name = request == null ? new NamedFile(file.name) : owner.sent(request);
            if (name != null) {
                names.add(name);
            }
        }
        return names;
    }

    /** A file whose request is forgotten. */
    private record NamedFile(@Nullable String path) implements Ticket.Subject {
        @Override
        public boolean isGone() {
            return false;
        }
    }

    private List<SentFile> files() {
        List<SentFile> files = new ArrayList<>();
        for (Connector connector : service.findConnectors()) {
            AbstractEndpoint<?, ?> endpoint = TomcatInternals.get().endpoint(connector.getProtocolHandler());
            if (endpoint != null) {
                for (SocketWrapperBase<?> connection : endpoint.getConnections()) {
                    files.addAll(filesOn(connection));
                }
            }
        }
        return files;
    }

    /**
     * A file that Tomcat sends by itself.
     *
     * @param data what Tomcat keeps of it, which is for this file alone
     * @param left how many bytes are still to be sent
     * @param name what the file is called on disk; null if unknown
     * @param request that of an HTTP/2 stream, which is kept as long as the stream; null over HTTP/1.1, where it is forgotten
     */
    record SentFile(
            Object data,
            long left,
            @Nullable String name,
            @Nullable Request request) {}

    /** Returns the files that Tomcat sends on that connection by itself: over HTTP/2 one for each stream at most. AJP never does. */
    static List<SentFile> filesOn(SocketWrapperBase<?> connection) {
        if (connection.isClosed()) {
            return List.of();
        }
        SendfileDataBase file = connection instanceof NioEndpoint.NioSocketWrapper nio ? nio.getSendfileData() : null;
        if (connection instanceof Nio2Endpoint.Nio2SocketWrapper nio2) {
            file = nio2.getSendfileData();
        }
        if (file != null) {
            return List.of(new SentFile(file, file.length, new File(file.fileName).getName(), null));
        }
        return connection.getError() == null
                        && connection.getCurrentProcessor() instanceof Processor processor
                        && processor.isUpgrade()
                ? TomcatInternals.get().sentFiles(processor)
                : List.of();
    }
}
