package io.tomcatdrain.fuzz;

import io.tomcatdrain.SettingsParsers;
import io.tomcatdrain.cli.TerminalParsers;
import io.tomcatdrain.http.RequestParsers;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.stream.Stream;

/** Everything that reads text from outside. The class that Jazzer is given. */
public final class Parsers {
    private static final List<Parser> ALL = Stream.of(
                    SettingsParsers.all(), RequestParsers.all(), TerminalParsers.all())
            .flatMap(List::stream)
            .toList();

    private static final List<Charset> CHARSETS =
            List.of(StandardCharsets.UTF_8, StandardCharsets.ISO_8859_1, StandardCharsets.UTF_16BE);

    private Parsers() {}

    /** Returns them, always in the same order. */
    public static List<Parser> all() {
        return ALL;
    }

    /** Called by Jazzer: the first byte chooses the parser and the charset of the others. */
    public static void fuzzerTestOneInput(byte[] input) {
        if (input.length > 0) {
            int choice = input[0] & 0xff;
            Parser parser = ALL.get(choice % ALL.size());
            Charset charset = CHARSETS.get(choice / ALL.size() % CHARSETS.size());
            parser.check().accept(new String(input, 1, input.length - 1, charset));
        }
    }

    /** Returns a seed as {@link #fuzzerTestOneInput} reads it. */
    static byte[] asInput(int parser, String seed) {
        byte[] text = seed.getBytes(StandardCharsets.UTF_8);
        byte[] input = new byte[text.length + 1];
        input[0] = (byte) parser;
        System.arraycopy(text, 0, input, 1, text.length);
        return input;
    }
}
