package io.tomcatdrain;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Each block of commands in the documents names above it, in a comment, the test that runs it, or says there or in its text that no test
 * does.
 */
class CommandsTest {
    private static final Path TOP = Path.of("..");
    private static final Pattern RUN_BY = Pattern.compile("<!-- run by (\\w+)\\.(\\w+) -->");
    private static final Pattern NOT_RUN = Pattern.compile("<!-- run by no test: .+ -->|.*[Nn]ot run by a test.*");

    /** A block of commands, and the line above it that is not empty. */
    private record Block(Path document, int line, String language, String above, String text) {
        @Override
        public String toString() {
            return TOP.relativize(document) + ":" + line;
        }
    }

    @Test
    void eachBlockIsRunByATestOrSaysThatItIsNot() throws IOException {
        Map<String, String> tests = tests();
        List<Block> unheard = new ArrayList<>();
        List<Block> blocks = blocks();
        for (Block block : blocks) {
            Matcher test = RUN_BY.matcher(block.above);
            boolean runs =
                    test.matches() && tests.getOrDefault(test.group(1), "").contains("void " + test.group(2) + "(");
            boolean told = NOT_RUN.matcher(block.above).matches() || isTranscript(block, tests);
            if (!runs && !told) {
                unheard.add(block);
            }
        }
        assertThat(blocks).hasSizeGreaterThan(25);
        assertThat(unheard).isEmpty();
    }

    /** That test reads its documents, and runs what it finds there. */
    private static boolean isTranscript(Block block, Map<String, String> tests) {
        String document = TOP.relativize(block.document).toString();
        return block.language.equals("console")
                && tests.getOrDefault("TranscriptIT", "").contains('"' + document + '"');
    }

    @Test
    void theCommandThatMakesATokenFileMakesOneThatIsTaken(@TempDir Path directory) throws Exception {
        Block block = blocks().stream()
                .filter(each -> each.above.contains("theCommandThatMakesATokenFile"))
                .findFirst()
                .orElseThrow();
        String command =
                block.text.replace("/etc/tomcat/", directory + "/").replace("chown tomcat", "chown \"$(id -u)\"");
        Process shell =
                new ProcessBuilder("sh", "-e", "-c", command).inheritIO().start();
        assertThat(shell.waitFor(30, TimeUnit.SECONDS)).isTrue();
        assertThat(shell.exitValue()).isZero();

        Path file = directory.resolve("drain.token");
        DrainSettings settings = DrainSettings.of(Map.of("tokenFile", file.toString()));
        assertThat(settings.isToken(Files.readString(file).strip())).isTrue();
    }

    private static List<Block> blocks() throws IOException {
        List<Block> blocks = new ArrayList<>();
        try (Stream<Path> documents = Stream.concat(
                Stream.of(TOP.resolve("README.md"), TOP.resolve("CONTRIBUTING.md"), TOP.resolve("SECURITY.md")),
                Stream.of("docs", "examples").flatMap(each -> walk(TOP.resolve(each))))) {
            for (Path document :
                    documents.filter(each -> each.toString().endsWith(".md")).toList()) {
                addBlocks(document, Files.readAllLines(document), blocks);
            }
        }
        return blocks;
    }

    private static void addBlocks(Path document, List<String> lines, List<Block> blocks) {
        String above = "";
        for (int i = 0; i < lines.size(); i++) {
            String line = lines.get(i).strip();
            if (line.startsWith("```")) {
                int end = i + 1;
                while (!lines.get(end).strip().equals("```")) {
                    end++;
                }
                String language = line.substring(3);
                if (List.of("sh", "bash", "console", "dockerfile").contains(language)) {
                    blocks.add(
                            new Block(document, i + 1, language, above, String.join("\n", lines.subList(i + 1, end))));
                }
                i = end;
            } else if (!line.isEmpty()) {
                above = line;
            }
        }
    }

    /** Returns the text of every test of every module, by its class. */
    static Map<String, String> tests() throws IOException {
        try (Stream<Path> modules = Files.list(TOP)) {
            return modules.map(module -> module.resolve("src/test/java"))
                    .filter(Files::isDirectory)
                    .flatMap(CommandsTest::walk)
                    .filter(file -> file.toString().matches(".*(Test|IT)\\.java"))
                    .collect(Collectors.toMap(
                            file -> file.getFileName().toString().replace(".java", ""),
                            CommandsTest::read,
                            String::concat));
        }
    }

    private static Stream<Path> walk(Path directory) {
        try {
            return Files.walk(directory);
        } catch (IOException fault) {
            throw new UncheckedIOException(fault);
        }
    }

    private static String read(Path file) {
        try {
            return Files.readString(file);
        } catch (IOException fault) {
            throw new UncheckedIOException(fault);
        }
    }
}
