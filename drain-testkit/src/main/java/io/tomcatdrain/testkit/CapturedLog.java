package io.tomcatdrain.testkit;

import java.text.MessageFormat;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Predicate;
import java.util.logging.Handler;
import java.util.logging.Level;
import java.util.logging.LogRecord;
import java.util.logging.Logger;

/** What one logger says at {@code INFO} and above, from the making of this object until it is closed. */
public final class CapturedLog extends Handler implements AutoCloseable {
    /** Held here, since the log manager would forget what was set on it. */
    private static final Logger OURS = Logger.getLogger("io.tomcatdrain");

    /** One message with its parameters in place. */
    private record Line(Level level, String message) {}

    private final Logger logger;
    private final Predicate<String> filter;
    private final Runnable awaitSpeakers;
    private final List<Line> lines = new CopyOnWriteArrayList<>();

    /** Captures everything. */
    public CapturedLog(String logger) {
        this(logger, message -> true);
    }

    /** Captures the messages that pass the filter. */
    public CapturedLog(String logger, Predicate<String> filter) {
        this(logger, filter, () -> {});
    }

    /**
     * Captures the messages that pass the filter, of speakers that log on threads of their own.
     *
     * @param awaitSpeakers waits until all that they have to say so far has been logged; called before each reading
     */
    public CapturedLog(String logger, Predicate<String> filter, Runnable awaitSpeakers) {
        this.awaitSpeakers = awaitSpeakers;
        this.logger = Logger.getLogger(logger);
        this.filter = filter;
        setLevel(Level.INFO);
        this.logger.addHandler(this);
    }

    /** Keeps what the project logs out of the build's log, until the JVM ends. */
    public static void keepOffTheConsole() {
        OURS.setUseParentHandlers(false);
    }

    /** Returns the messages so far. */
    public List<String> lines() {
        awaitSpeakers.run();
        return lines.stream().map(Line::message).toList();
    }

    /** Returns the messages so far whose level is {@code WARNING}. */
    public List<String> warnings() {
        awaitSpeakers.run();
        return lines.stream()
                .filter(line -> line.level() == Level.WARNING)
                .map(Line::message)
                .toList();
    }

    @Override
    public void publish(LogRecord line) {
        if (!isLoggable(line)) {
            return;
        }
        Object[] parameters = line.getParameters();
        String message = parameters == null || parameters.length == 0
                ? line.getMessage()
                : MessageFormat.format(line.getMessage(), parameters);
        if (filter.test(message)) {
            lines.add(new Line(line.getLevel(), message));
        }
    }

    @Override
    public void flush() {}

    @Override
    public void close() {
        logger.removeHandler(this);
    }
}
