package io.tomcatdrain.valve;

import io.tomcatdrain.DrainListener;
import io.tomcatdrain.DrainStatus;
import io.tomcatdrain.NodeDrain;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.apache.juli.logging.Log;
import org.apache.juli.logging.LogFactory;
import org.jspecify.annotations.Nullable;

/**
 * Tells systemd how a server is, where systemd asks for it by {@code NOTIFY_SOCKET}: that it has started, who it waits for, and, while the
 * uploads of a stop get on, that it must live longer than {@code TimeoutStopSec}. The protocol is sd_notify(3)'s.
 *
 * <p>The JDK cannot write to that kind of socket, so the program {@code systemd-notify} does. It is run by a daemon thread that exists
 * only while there is something to tell, at most once in a few seconds, and killed if it hangs: neither a request nor a stop waits for it.
 * Never says {@code STOPPING=1}, which cannot be taken back as a drain can; systemd knows of the stops that it asked for. Thread-safe.
 */
final class SystemdNotify {
    private static final Log LOG = LogFactory.getLog(SystemdNotify.class);

    static final String PROGRAM = "systemd-notify";

    private static final Duration PERIOD = Duration.ofSeconds(5);

    /** For how many periods one word of uploads that get on is good: some may be late. */
    private static final int GOOD_FOR_PERIODS = 4;

    /** How long the program may take. */
    private static final Duration PATIENCE = Duration.ofSeconds(5);

    private final String program;
    private final Map<String, String> environment;
    private final Duration period;

    /** In the order in which they joined. Guarded by this. */
    private final Map<NodeDrain, DrainListener.Registration> drains = new LinkedHashMap<>();

    /** Guarded by this. */
    private boolean started;

    /** Guarded by this. */
    private boolean running;

    /** Guarded by this. */
    private boolean news;

    /** The rest is the thread's, which there is one of at a time. */
    private boolean saidReady;

    private String lastLine = "";

    private volatile boolean off;

    /**
     * Makes one that has said nothing yet.
     *
     * @param program what is run
     * @param environment what it gets besides the process's own environment
     * @param period how often systemd hears of a drain that runs
     */
    SystemdNotify(String program, Map<String, String> environment, Duration period) {
        this.program = program;
        this.environment = environment;
        this.period = period;
    }

    /** Returns what speaks to the systemd that has started this process; null if none has, or its unit asks for no messages. */
    static @Nullable SystemdNotify ofProcess() {
        String socket = System.getenv("NOTIFY_SOCKET");
        return socket == null || socket.isEmpty() ? null : new SystemdNotify(PROGRAM, Map.of(), PERIOD);
    }

    /** Tells of that drain from now on. */
    void watch(NodeDrain drain) {
        DrainListener.Registration registration = drain.onStateChange((before, after) -> tell());
        synchronized (this) {
            drains.put(drain, registration);
        }
    }

    /** Tells of it no more. */
    void unwatch(NodeDrain drain) {
        DrainListener.Registration left;
        synchronized (this) {
            left = drains.remove(drain);
        }
        if (left != null) {
            left.close();
        }
    }

    /** Tells that the server has started. */
    void serverStarted() {
        synchronized (this) {
            started = true;
        }
        tell();
    }

    /** Lets the thread look, and makes it where there is none. */
    private synchronized void tell() {
        news = true;
        if (running) {
            notifyAll();
        } else if (!off) {
            Thread thread = new Thread(this::run, "drain-systemd");
            thread.setDaemon(true);
            thread.setContextClassLoader(SystemdNotify.class.getClassLoader());
            try {
                thread.start();
                running = true;
            } catch (OutOfMemoryError noThread) {
                LOG.debug("no thread to speak to systemd", noThread);
            }
        }
    }

    private void run() {
        try {
            do {
                say();
            } while (waitForNews());
        } catch (InterruptedException ended) {
            Thread.currentThread().interrupt();
            end();
        } catch (RuntimeException | Error fault) {
            end();
            LOG.warn("Could not send systemd the state of the server", fault);
        }
    }

    /** Returns false, and the thread has ended, if there is nothing more to tell for now. */
    private synchronized boolean waitForNews() throws InterruptedException {
        long until = System.nanoTime() + period.toNanos();
        while (!off && !news && anyRuns()) {
            long left = until - System.nanoTime();
            if (left <= 0) {
                return true;
            }
            TimeUnit.NANOSECONDS.timedWait(this, left);
        }
        running = news && !off;
        return running;
    }

    private synchronized void end() {
        running = false;
    }

    private synchronized boolean anyRuns() {
        return drains.keySet().stream().anyMatch(drain -> SystemdStatus.runs(drain.summary()));
    }

    private void say() throws InterruptedException {
        List<NodeDrain> watched;
        boolean ready;
        synchronized (this) {
            news = false;
            watched = List.copyOf(drains.keySet());
            ready = started;
        }
        List<String> words = new ArrayList<>();
        if (ready && !saidReady) {
            words.add("READY=1");
        }
        boolean moves = false;
        List<String> lines = new ArrayList<>();
        for (NodeDrain drain : watched) {
            DrainStatus status = drain.status();
            lines.add((watched.size() > 1 ? status.name() + ": " : "") + SystemdStatus.line(status));
            moves |= drain.isStopping() && SystemdStatus.runs(status) && SystemdStatus.moves(status, period);
        }
        String line = String.join("; ", lines);
        if (!line.equals(lastLine)) {
            words.add("STATUS=" + line);
        }
        if (moves) {
            words.add("EXTEND_TIMEOUT_USEC=" + TimeUnit.MILLISECONDS.toMicros(period.toMillis() * GOOD_FOR_PERIODS));
        }
        if (!words.isEmpty() && send(words)) {
            saidReady |= ready;
            lastLine = line;
        }
    }

    /** Returns false if it was not told. */
    private boolean send(List<String> words) throws InterruptedException {
        List<String> command = new ArrayList<>(List.of(program));
        command.addAll(words);
        ProcessBuilder builder =
                new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(ProcessBuilder.Redirect.DISCARD);
        builder.environment().putAll(environment);
        Process process;
        try {
            process = builder.start();
        } catch (IOException missing) {
            off = true;
            LOG.warn("NOTIFY_SOCKET is set, but " + program + " cannot be run [" + missing.getMessage()
                    + "]: systemd does not learn that the server is ready, and TimeoutStopSec must be longer than a"
                    + " drain may take");
            return false;
        }
        try {
            if (process.waitFor(PATIENCE.toMillis(), TimeUnit.MILLISECONDS)) {
                LOG.debug("systemd-notify " + words + ": " + process.exitValue());
                return process.exitValue() == 0;
            }
            return false;
        } finally {
            process.destroyForcibly();
        }
    }
}
