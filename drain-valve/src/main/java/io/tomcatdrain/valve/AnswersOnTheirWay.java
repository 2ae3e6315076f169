package io.tomcatdrain.valve;

import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.List;
import org.apache.catalina.Service;
import org.apache.catalina.connector.Connector;
import org.apache.coyote.Request;
import org.apache.coyote.Response;
import org.apache.tomcat.util.net.NioChannel;
import org.apache.tomcat.util.net.NioEndpoint;
import org.apache.tomcat.util.net.SocketWrapperBase;
import org.jspecify.annotations.Nullable;

/**
 * The downloads of a service: answers whose length is known, so that they come to an end, and files that Tomcat's poller sends when their
 * requests are over. An answer without a known length may go on for ever.
 */
final class AnswersOnTheirWay {
    private final TicketNote.Owner owner;
    private final Service service;
    private final long stallNanos;

    /** How far one was at the last look, and since when; the generation tells the uses of a pooled object. */
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
            if (answer.isCommitted() && answer.getContentLengthLong() > 0) {
                moves |= moves(request, request.getStartTimeNanos(), answer.getContentWritten(), now, fresh);
            }
        }
        for (NioEndpoint.SendfileData file : files()) {
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

    /** Returns true if the poller sends files. */
    boolean leave() {
        return !files().isEmpty();
    }

    private List<NioEndpoint.SendfileData> files() {
        List<NioEndpoint.SendfileData> files = new ArrayList<>();
        for (Connector connector : service.findConnectors()) {
            if (TomcatInternals.get().endpoint(connector.getProtocolHandler()) instanceof NioEndpoint endpoint) {
                for (SocketWrapperBase<NioChannel> connection : endpoint.getConnections()) {
                    NioEndpoint.SendfileData file = fileOn(connection);
                    if (file != null) {
                        files.add(file);
                    }
                }
            }
        }
        return files;
    }

    /** Returns the file that the poller sends on that connection; null if it sends none. */
    static NioEndpoint.@Nullable SendfileData fileOn(SocketWrapperBase<NioChannel> connection) {
        return connection instanceof NioEndpoint.NioSocketWrapper nio && !nio.isClosed() ? nio.getSendfileData() : null;
    }
}
