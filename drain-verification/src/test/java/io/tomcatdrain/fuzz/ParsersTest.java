package io.tomcatdrain.fuzz;

import static org.assertj.core.api.Assertions.assertThatCode;

import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Whatever is read from outside, nothing but the documented exception comes out of it, with a message that is short and harmless, and
 * what is taken obeys its rules. A few thousand texts here, the same in every build; {@link LongFuzz} takes millions.
 */
class ParsersTest {
    private static final int TEXTS = 2_000;

    static List<Parser> parsers() {
        return Parsers.all();
    }

    @ParameterizedTest
    @MethodSource("parsers")
    void anyTextIsReadOrRefused(Parser parser) {
        parser.seeds().forEach(parser.check());
        Mutations mutations = new Mutations(17, parser.seeds());
        for (int i = 0; i < TEXTS; i++) {
            String text = mutations.next();
            assertThatCode(() -> parser.check().accept(text))
                    .as("%s reads [%s]", parser, text)
                    .doesNotThrowAnyException();
        }
    }
}
