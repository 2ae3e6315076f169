package io.tomcatdrain;

import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.logging.Handler;
import java.util.logging.Level;
import java.util.logging.LogRecord;
import java.util.logging.Logger;

/** What the drain of a {@link FakeTicker} writes to its log while this is open; those that have threads may still speak in later tests. */
final class CapturedLog extends Handler implements AutoCloseable {
    /** Held here, since the log manager would forget what was set on them. */
    private static final Logger OURS = Logger.getLogger("io.tomcatdrain");

    private static final Logger DRAIN = Logger.getLogger("io.tomcatdrain.Drain");

    private final List<LogRecord> records = new CopyOnWriteArrayList<>();

    CapturedLog() {
        keepOffTheConsole();
        FakeTicker.awaitSilence();
        DRAIN.addHandler(this);
    }

    static void keepOffTheConsole() {
        OURS.setUseParentHandlers(false);
    }

    @Override
    public void publish(LogRecord line) {
        if (line.getMessage().startsWith("drain[" + FakeTicker.NAME + "]")) {
            records.add(line);
        }
    }

    List<String> lines() {
        return records.stream().map(LogRecord::getMessage).toList();
    }

    List<String> warnings() {
        return records.stream()
                .filter(line -> line.getLevel() == Level.WARNING)
                .map(LogRecord::getMessage)
                .toList();
    }

    @Override
    public void flush() {
        // nothing is buffered
    }

    @Override
    public void close() {
        DRAIN.removeHandler(this);
    }
}
