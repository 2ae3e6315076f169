package io.tomcatdrain.valve;

import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.List;
import org.apache.catalina.Service;
import org.apache.catalina.connector.Connector;
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
        for (SendfileDataBase file : files()) {
            moves |= moves(file, 0, file.length, now, fresh);
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

    private List<SendfileDataBase> files() {
        List<SendfileDataBase> files = new ArrayList<>();
        for (Connector connector : service.findConnectors()) {
            AbstractEndpoint<?, ?> endpoint = TomcatInternals.get().endpoint(connector.getProtocolHandler());
            if (endpoint != null) {
                for (SocketWrapperBase<?> connection : endpoint.getConnections()) {
                    SendfileDataBase file = fileOn(connection);
                    if (file != null) {
                        files.add(file);
                    }
                }
            }
        }
        return files;
    }

    /** Returns the file that Tomcat sends on that connection by itself; null if it sends none. AJP never does. */
    static @Nullable SendfileDataBase fileOn(SocketWrapperBase<?> connection) {
        if (connection.isClosed()) {
            return null;
        }
        if (connection instanceof NioEndpoint.NioSocketWrapper nio) {
            return nio.getSendfileData();
        }
        return connection instanceof Nio2Endpoint.Nio2SocketWrapper nio2 ? nio2.getSendfileData() : null;
    }
}
