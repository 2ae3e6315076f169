package io.tomcatdrain;

import io.tomcatdrain.Ticket.Part.Answer;
import io.tomcatdrain.Ticket.Part.Head;
import io.tomcatdrain.Ticket.Part.Kind;
import io.tomcatdrain.Ticket.Part.Name;
import io.tomcatdrain.Ticket.Part.Progress;
import java.util.ArrayList;
import java.util.List;

/** Parts of uploads as a client sends them, in the way of tus unless a test says otherwise. */
final class Parts {
    private static final Progress UNKNOWN = Progress.UNKNOWN;

    private Parts() {}

    /** The request that opens an upload whose name the answer tells. */
    static Head creation(String client, long length) {
        return new Head(
                Kind.WRITES,
                "POST",
                "/files",
                client,
                List.of(),
                null,
                true,
                false,
                true,
                new Progress(-1, 0, length, -1, -1));
    }

    static Head patch(String client, String id, long offset, long bytes) {
        return write("PATCH", client, id, new Progress(offset, bytes, -1, -1, -1), false);
    }

    private static Head write(String method, String client, String id, Progress progress, boolean last) {
        return new Head(Kind.WRITES, method, "/files", client, List.of(name(id)), null, false, last, true, progress);
    }

    static Head reads(String method, String client, String... ids) {
        List<Name> names = new ArrayList<>();
        for (String id : ids) {
            names.add(name(id));
        }
        return new Head(Kind.READS, method, "/files", client, names, null, false, false, false, UNKNOWN);
    }

    /** A page, which names no upload. */
    static Head page(String client) {
        return reads("GET", client);
    }

    static Head delete(String client, String id) {
        return new Head(
                Kind.DELETES, "DELETE", "/files", client, List.of(name(id)), null, false, false, false, UNKNOWN);
    }

    /** The request that puts parallel uploads together. */
    static Head concatenation(String client, String... ids) {
        List<Name> names = new ArrayList<>();
        for (String id : ids) {
            names.add(name(id));
        }
        return new Head(Kind.WRITES, "POST", "/files", client, names, null, false, true, true, UNKNOWN);
    }

    /** One of some chunks, in the way of Resumable.js: others could guess its name. */
    static Head chunk(String client, String id, int number, int of) {
        Name name = new Name("query " + id, true);
        return new Head(
                Kind.WRITES,
                "POST",
                "/chunks",
                client,
                List.of(name),
                name,
                false,
                false,
                true,
                new Progress(-1, 100, 100L * of, number, of));
    }

    /** A request below a path of which nobody knows when it is the last. */
    static Head endless(String client, String id) {
        Name name = new Name("path " + id, false);
        return new Head(
                Kind.WRITES,
                "PUT",
                "/dav",
                client,
                List.of(name),
                name,
                false,
                false,
                false,
                new Progress(-1, 10, -1, -1, -1));
    }

    static Name name(String id) {
        return new Name("/files/" + id, false);
    }

    static Answer created(String id) {
        return new Answer(201, List.of(name(id)), -1, false, null);
    }

    static Answer createdFor(String client, String id) {
        return new Answer(201, List.of(name(id)), -1, false, client);
    }

    static Answer offset(long offset) {
        return new Answer(204, List.of(), offset, false, null);
    }

    static Answer status(int status) {
        return new Answer(status, List.of(), -1, false, null);
    }
}
