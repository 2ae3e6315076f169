package io.tomcatdrain.sample;

import java.util.logging.Handler;
import java.util.logging.LogRecord;
import java.util.logging.SimpleFormatter;

/** Shows log lines among the demo's own. */
final class ScreenHandler extends Handler {
    private static final int LONGEST = 200;

    private final Screen screen;

    ScreenHandler(Screen screen) {
        this.screen = screen;
        setFormatter(new SimpleFormatter());
    }

    @Override
    public void publish(LogRecord record) {
        if (isLoggable(record)) {
            String firstLine =
                    getFormatter().formatMessage(record).lines().findFirst().orElse("");
            screen.say(
                    "  log: " + (firstLine.length() > LONGEST ? firstLine.substring(0, LONGEST) + "..." : firstLine));
        }
    }

    @Override
    public void flush() {}

    @Override
    public void close() {}
}
