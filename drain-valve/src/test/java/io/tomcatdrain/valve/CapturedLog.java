package io.tomcatdrain.valve;

import java.text.MessageFormat;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.logging.Handler;
import java.util.logging.Level;
import java.util.logging.LogRecord;
import java.util.logging.Logger;

/** What one logger says, from the making of this object until it is closed. */
final class CapturedLog extends Handler implements AutoCloseable {
    private final Logger logger;
    private final List<String> lines = new CopyOnWriteArrayList<>();

    CapturedLog(String name) {
        logger = Logger.getLogger(name);
        setLevel(Level.INFO);
        logger.addHandler(this);
    }

    /** Returns the lines so far, each with its level in front. */
    List<String> lines() {
        return lines;
    }

    @Override
    public void publish(LogRecord record) {
        if (isLoggable(record)) {
            Object[] parameters = record.getParameters();
            String message = parameters == null || parameters.length == 0
                    ? record.getMessage()
                    : MessageFormat.format(record.getMessage(), parameters);
            lines.add(record.getLevel() + " " + message);
        }
    }

    @Override
    public void flush() {}

    @Override
    public void close() {
        logger.removeHandler(this);
    }
}
