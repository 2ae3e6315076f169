package io.tomcatdrain.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.logging.Level;
import java.util.logging.Logger;
import org.junit.jupiter.api.Test;

class CapturedLogTest {
    private static final String NAME = "io.tomcatdrain.testkit.CapturedLogTest";
    private static final Logger LOGGER = Logger.getLogger(NAME);

    static {
        LOGGER.setUseParentHandlers(false);
    }

    @Test
    void keepsMessagesWithTheirParametersAndTellsWarningsApart() {
        try (CapturedLog log = new CapturedLog(NAME)) {
            LOGGER.log(Level.INFO, "uploads={0}", 2);
            LOGGER.warning("braces without parameters stay: {0}");
            LOGGER.fine("not of interest");

            assertThat(log.lines()).containsExactly("uploads=2", "braces without parameters stay: {0}");
            assertThat(log.warnings()).containsExactly("braces without parameters stay: {0}");
        }
    }

    @Test
    void takesOnlyWhatPassesTheFilterAndNothingBeforeOrAfter() {
        LOGGER.info("mine, before");
        CapturedLog log = new CapturedLog(NAME, message -> message.startsWith("mine"));
        LOGGER.info("mine");
        LOGGER.info("another's");
        log.close();
        LOGGER.info("mine, after");

        assertThat(log.lines()).containsExactly("mine");
    }
}
