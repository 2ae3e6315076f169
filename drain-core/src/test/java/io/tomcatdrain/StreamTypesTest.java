package io.tomcatdrain;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class StreamTypesTest {
    private final StreamTypes types =
            StreamTypes.parse("text/event-stream, application/x-ndjson,/shop/poll , /shop/events/*");

    @ParameterizedTest
    @CsvSource({
        "text/event-stream, /shop/page",
        "text/event-stream;charset=UTF-8, /",
        "TEXT/Event-Stream, /",
        "application/x-ndjson, /",
        "text/html, /shop/poll",
        ", /shop/poll",
        ", /shop/events",
        ", /shop/events/",
        ", /shop/events/42/all"
    })
    void endlessIsWhatHasOneOfTheTypesOrPaths(String contentType, String path) {
        assertThat(types.match(contentType, path)).isTrue();
    }

    @ParameterizedTest
    @CsvSource({
        ", ",
        "text/html, ",
        "text/event-streams, /",
        "text/html, /shop/poll/1",
        "text/html, /shop/pol",
        ", /shop/eventslist",
        ", /shop/event",
        ", /other/shop/poll",
        ", /shop/Poll",
    })
    void everythingElseEnds(String contentType, String path) {
        assertThat(types.match(contentType, path)).isFalse();
    }

    @ParameterizedTest
    @CsvSource({"/*, /anything, true", "/*, /, true", "/, /, true", "/, /a, false"})
    void aPathMayBeThatOfEverything(String entry, String path, boolean matches) {
        assertThat(StreamTypes.parse(entry).match(null, path)).isEqualTo(matches);
    }
}
