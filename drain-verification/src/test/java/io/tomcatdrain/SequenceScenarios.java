package io.tomcatdrain;

import io.tomcatdrain.explore.Scenario;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;

/** Whatever can come together in a drain with its own thread, in as few steps as it takes. */
public final class SequenceScenarios {
    private static final DrainLimits NOW = new DrainLimits(Duration.ZERO, null);
    /** As often a drain looks whether its process has stood still: time that passes in longer steps is nobody's silence. */
    private static final Duration LOOK = Duration.ofSeconds(1);

    /** Longer than the request that follows a whole file is waited for. */
    private static final Duration LINGER = Duration.ofSeconds(6);

    private static final DrainSettings SETTINGS =
            DrainSettings.defaults().with("lameDuck", "off").with("uploadGap", Durations.format(LOOK));

    private static final Map<String, Supplier<Scenario>> ALL = new LinkedHashMap<>();

    private SequenceScenarios() {}

    /** Returns them by name. */
    public static Map<String, Supplier<Scenario>> all() {
        return ALL;
    }

    static {
        ALL.put("the last two leave a gate while it is sealed", GateMeeting::new);
        ALL.put("the last request ends while a drain begins", () -> new Meeting() {
            {
                Ticket request = request();
                thread("request", () -> close(request));
                thread("start", () -> drain.start("test"));
                endsAs(DrainState.DRAINED);
            }
        });
        ALL.put("a request comes while a drain begins", () -> new Meeting() {
            {
                thread("request", this::pass);
                thread("start", () -> drain.start("test"));
                endsAs(DrainState.DRAINED);
            }
        });
        ALL.put("an upload comes while a drain begins", () -> new Meeting() {
            {
                thread("upload", () -> {
                    Ticket upload = upload();
                    if (upload != null) {
                        close(upload);
                    }
                });
                thread("start", () -> drain.start("test"));
                endsAs(DrainState.DRAINED);
            }
        });
        ALL.put("two last requests end while a drain begins", () -> new Meeting() {
            {
                Ticket one = request();
                Ticket other = request();
                thread("one", () -> close(one));
                thread("other", () -> close(other));
                thread("start", () -> drain.start("test"));
                endsAs(DrainState.DRAINED);
            }
        });
        ALL.put("the last hold is closed while a drain begins", () -> new Meeting() {
            {
                Hold hold = drain.hold("work");
                inside++;
                thread("hold", () -> {
                    inside--;
                    hold.close();
                });
                thread("start", () -> drain.start("test"));
                endsAs(DrainState.DRAINED);
            }
        });
        ALL.put("two begin a drain while the last request ends", () -> new Meeting() {
            {
                Ticket request = request();
                thread("one", () -> drain.start("one"));
                thread("other", () -> drain.start("other"));
                thread("request", () -> close(request));
                endsAs(DrainState.DRAINED);
            }
        });
        ALL.put("the last request ends while the drain is told to end", () -> new Meeting() {
            {
                Ticket request = request();
                drain.start("test");
                thread("request", () -> close(request));
                thread("deadline", () -> drain.start("now", NOW));
                endsAs(DrainState.DRAINED, DrainState.EXPIRED);
            }
        });
        ALL.put("the last upload ends while the drain is told to end", () -> new Meeting() {
            {
                Ticket upload = upload();
                drain.start("test");
                thread("upload", () -> close(upload));
                thread("deadline", () -> drain.start("now", NOW));
                endsAs(DrainState.DRAINED, DrainState.EXPIRED);
            }
        });
        ALL.put("the last request ends at its deadline", () -> new Meeting() {
            {
                Ticket request = request();
                drain.start("test");
                thread("request", () -> close(request));
                thread("time", () -> pass(SETTINGS.requestTimeout()));
                endsAs(DrainState.DRAINED, DrainState.EXPIRED);
            }
        });
        ALL.put("the last request ends while the node resumes", () -> new Meeting() {
            {
                Ticket request = request();
                drain.start("test");
                thread("request", () -> close(request));
                thread("resume", this::resume);
                endsAs(DrainState.SERVING);
            }
        });
        ALL.put("the last request ends when resumeAfter has passed", () -> new Meeting() {
            {
                Ticket request = request();
                drain.start("test", new DrainLimits(null, Duration.ofSeconds(1)));
                thread("request", () -> close(request));
                thread("time", () -> pass(Duration.ofSeconds(1)));
                endsAs(DrainState.SERVING);
            }
        });
        ALL.put("request and upload end while the drain is told to end and the node resumes", () -> new Meeting() {
            {
                Ticket request = request();
                Ticket upload = upload();
                drain.start("test");
                thread("requests", () -> {
                    close(upload);
                    close(request);
                });
                thread("deadline", () -> drain.start("now", NOW));
                thread("resume", this::resume);
                endsAs(DrainState.SERVING, DrainState.DRAINED, DrainState.EXPIRED);
            }
        });
        ALL.put("an upload that was given up ends while the node resumes and drains again", () -> new Meeting() {
            {
                Ticket upload = upload();
                drain.start("test", NOW);
                thread("upload", () -> close(upload));
                thread("resume", () -> {
                    resume();
                    drain.start("again");
                });
                endsAs(DrainState.DRAINED);
            }
        });
        ALL.put("a request comes while the node resumes and drains again", () -> new Meeting() {
            {
                drain.start("test");
                thread("request", this::pass);
                thread("resume", () -> {
                    resume();
                    drain.start("again");
                });
                endsAs(DrainState.DRAINED);
            }
        });
        ALL.put("a request that the container dropped is found while it ends", () -> new Meeting() {
            {
                Ticket request = drain.track(request(), () -> true);
                thread("request", () -> close(request));
                thread("start", () -> {
                    inside = 0; // nobody is there, and the drain may find that out first
                    drain.start("test");
                });
                endsAs(DrainState.DRAINED);
            }

            @Override
            void close(Ticket ticket) {
                inside = 0;
                ticket.close();
            }
        });
    }

    static {
        ALL.put("a file of several requests is begun and ended while a drain begins", () -> new Meeting() {
            {
                thread("client", () -> {
                    if (part(creation(), created(), 0)) {
                        require(part(patch(), offset(10), 1), "a part of what was begun here is refused; ");
                    }
                });
                thread("start", () -> drain.start("test"));
                later(LINGER);
                endsAs(DrainState.DRAINED);
            }
        });
        ALL.put("the last part of a file comes when it has been waited for long enough", () -> new Meeting() {
            {
                part(creation(), created(), 0);
                drain.start("test");
                endsAs(DrainState.EXPIRED);
                thread("part", () -> {
                    if (part(patch(), offset(10), 1)) {
                        endsAs(DrainState.DRAINED);
                    }
                });
                thread("time", () -> {
                    pass(SETTINGS.uploadGap());
                    later(LINGER);
                });
            }
        });
        ALL.put("a page comes while its client's last file goes", () -> new Meeting() {
            {
                part(creation(), created(), 0);
                drain.start("test");
                thread("page", () -> part(page(), status(200), 0));
                thread("delete", () -> part(delete(), status(204), 0));
                endsAs(DrainState.DRAINED);
            }
        });
        ALL.put("a page ends while its client's last file goes", () -> new Meeting() {
            {
                part(creation(), created(), 0);
                drain.start("test");
                Ticket page = late(page());
                require(page != null, "a page of who has begun a file is refused; ");
                thread("page", () -> close(page));
                thread("delete", () -> part(delete(), status(204), 0));
                endsAs(DrainState.DRAINED);
            }
        });
        ALL.put("a page comes beside an upload that ends while a drain runs", () -> new Meeting() {
            {
                Ticket upload = upload();
                drain.start("test");
                thread("page", () -> {
                    Ticket page = beside();
                    if (page != null) {
                        close(page);
                    }
                });
                thread("upload", () -> close(upload));
                endsAs(DrainState.DRAINED);
            }
        });
        ALL.put("a part comes while the node resumes", () -> new Meeting() {
            {
                part(creation(), created(), 0);
                drain.start("test");
                thread("part", () -> require(part(patch(), offset(10), 1), "a part is refused; "));
                thread("resume", this::resume);
                endsAs(DrainState.SERVING);
            }
        });
    }

    private static Ticket.Part.Head head(
            Ticket.Part.Kind kind, boolean locates, boolean named, long offset, long bytes) {
        return new Ticket.Part.Head(
                kind,
                "POST",
                "/files",
                "client",
                named ? List.of(new Ticket.Part.Name("file", false)) : List.of(),
                null,
                locates,
                false,
                true,
                new Ticket.Part.Progress(offset, bytes, locates ? 10 : -1, -1, -1));
    }

    private static Ticket.Part.Head creation() {
        return head(Ticket.Part.Kind.WRITES, true, false, -1, 0);
    }

    private static Ticket.Part.Head patch() {
        return head(Ticket.Part.Kind.WRITES, false, true, 0, 10);
    }

    private static Ticket.Part.Head page() {
        return head(Ticket.Part.Kind.READS, false, false, -1, -1);
    }

    private static Ticket.Part.Head delete() {
        return head(Ticket.Part.Kind.DELETES, false, true, -1, -1);
    }

    private static Ticket.Part.Answer created() {
        return new Ticket.Part.Answer(201, List.of(new Ticket.Part.Name("file", false)), -1, false, null);
    }

    private static Ticket.Part.Answer offset(long offset) {
        return new Ticket.Part.Answer(204, List.of(), offset, false, null);
    }

    private static Ticket.Part.Answer status(int status) {
        return new Ticket.Part.Answer(status, List.of(), -1, false, null);
    }

    /** A gate alone: it tells once that it is idle, and then nobody is inside. */
    private static final class GateMeeting implements Scenario {
        private final InFlightGate gate = new InFlightGate(2, this::told);
        private int inside;
        private int told;
        private boolean toldEarly;

        GateMeeting() {
            enter();
            enter();
        }

        private void enter() {
            if (gate.enter()) {
                inside++;
            }
        }

        private void told() {
            told++;
            toldEarly |= inside > 0;
        }

        @Override
        public Map<String, Runnable> threads() {
            Runnable leave = () -> {
                inside--;
                gate.exit();
            };
            Map<String, Runnable> threads = new LinkedHashMap<>();
            threads.put("one", leave);
            threads.put("other", leave);
            threads.put("seal", gate::seal);
            return threads;
        }

        @Override
        public long nanos() {
            return 0;
        }

        @Override
        public boolean passTime() {
            return false;
        }

        @Override
        public String judge(int parked) {
            return told == 1 && !toldEarly && gate.isIdle() ? "" : "told " + told + " times, early: " + toldEarly;
        }
    }

    /** A node whose threads meet. */
    private abstract static class Meeting implements Scenario, Ticker, InstantSource {
        private final Map<String, Runnable> threads = new LinkedHashMap<>();
        private final StringBuilder wrong = new StringBuilder();
        private final List<String> changes = new ArrayList<>();
        private List<DrainState> ends = List.of();
        private DrainState state = DrainState.SERVING;
        private int resumed;
        private boolean resuming;

        final NodeDrain drain = new NodeDrain("model", SETTINGS, "", new DrainEnvironment(this, this, true));

        /** Those who were admitted and have not begun to leave. */
        int inside;

        private int requests;
        private long nanos;
        private long until;

        Meeting() {
            drain.onStateChange(this::changed);
        }

        final void thread(String name, Runnable body) {
            threads.put(name, body);
        }

        /** Time goes on by that much, and once more when everybody waits for it. */
        final void pass(Duration time) {
            nanos += time.toNanos();
            until = nanos + time.toNanos();
        }

        final void resume() {
            resuming = true;
            resumed++;
            drain.resume();
            resuming = false;
        }

        final void endsAs(DrainState... states) {
            ends = List.of(states);
        }

        final Ticket request() {
            Ticket request = admitted(drain::enterRequest);
            requests += request == null ? 0 : 1;
            return request;
        }

        final Ticket upload() {
            return admitted(() -> drain.enterUpload(SteadyUpload.INSTANCE));
        }

        final void pass() {
            Ticket request = request();
            if (request != null) {
                close(request);
            }
        }

        private Ticket admitted(Supplier<Ticket> door) {
            // Who resumes opens the gates before he says so.
            boolean refusing = state != DrainState.SERVING && state != DrainState.LAME_DUCK && !resuming;
            int resumedBefore = resumed;
            Ticket ticket = door.get();
            if (ticket != null) {
                inside++;
                if (refusing && resumed == resumedBefore) {
                    wrong.append("admitted late; ");
                }
            }
            return ticket;
        }

        /** Admits a request of who may have begun a file here. */
        final Ticket late(Ticket.Part.Head head) {
            Ticket ticket = drain.enterRequest(drain.part(head));
            if (ticket != null) {
                inside++;
                requests++;
            }
            return ticket;
        }

        /** Admits a page that is one of a connection with an upload, if that is under way. */
        final Ticket beside() {
            Ticket ticket = drain.enterRequest(null, () -> drain.holdsUpload(any -> true));
            if (ticket != null) {
                inside++;
                requests++;
            }
            return ticket;
        }

        /** Lets one pass; returns false if it is refused. */
        final boolean part(Ticket.Part.Head head, Ticket.Part.Answer answer, int uploads) {
            Ticket ticket = uploads == 0
                    ? late(head)
                    : drain.enterUpload(SteadyUpload.INSTANCE, drain.part(head), () -> null, () -> false);
            if (ticket == null) {
                return false;
            }
            inside += uploads;
            ticket.part().answered(answer);
            close(ticket);
            return true;
        }

        final void require(boolean right, String what) {
            if (!right) {
                wrong.append(what);
            }
        }

        /** When everybody waits, so much time passes. */
        final void later(Duration time) {
            until = nanos + time.toNanos();
        }

        void close(Ticket ticket) {
            inside--;
            ticket.close();
        }

        /** Told by the drain at once, in the step that changes its state. */
        private void changed(DrainState before, DrainState after) {
            changes.add(before + " -> " + after);
            if (before != state || !isEdge(before, after)) {
                wrong.append("no such change; ");
            }
            if (after == DrainState.DRAINED && inside > 0) {
                wrong.append("drained with a holder inside; ");
            }
            state = after;
        }

        private static boolean isEdge(DrainState before, DrainState after) {
            return switch (before) {
                case SERVING -> after == DrainState.LAME_DUCK;
                case LAME_DUCK -> after == DrainState.DRAINING || after == DrainState.SERVING;
                case DRAINING -> after != DrainState.LAME_DUCK && after != DrainState.DRAINING;
                case DRAINED, EXPIRED -> after == DrainState.SERVING;
            };
        }

        @Override
        public final Map<String, Runnable> threads() {
            return threads;
        }

        @Override
        public final String judge(int parked) {
            if (!ends.contains(state)) {
                wrong.append("ends as ").append(state).append("; ");
            }
            if (parked > 0) {
                wrong.append("the drain's thread stays; ");
            }
            if (!drain.status().inFlight().equals(new DrainStatus.InFlight(0, 0, 0))) {
                wrong.append("somebody is left inside; ");
            }
            if (drain.status().totals().requestsCompleted() != requests) {
                wrong.append("not everybody who left was counted; ");
            }
            return wrong.isEmpty() ? "" : wrong + changes.toString();
        }

        @Override
        public final long nanos() {
            return nanos;
        }

        /** Who parks just after the clock was set on has not heard of it. */
        @Override
        public final boolean passTime() {
            long left = until - nanos;
            nanos += Math.min(left, LOOK.toNanos());
            return left > 0;
        }

        @Override
        public final Instant instant() {
            return Instant.EPOCH;
        }
    }
}
