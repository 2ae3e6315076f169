package io.tomcatdrain;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Each block of commands in the documents names above it, in a comment, the test that runs it, or says there or in its text that no test
 * does. What a command within a sentence names must exist: modules, tests, properties, classes, the terminal's commands, endpoints.
 */
class CommandsTest {
    private static final Path TOP = Path.of("..");
    private static final Pattern RUN_BY = Pattern.compile("<!-- run by (\\w+)\\.(\\w+) -->");
    private static final Pattern INLINE = Pattern.compile("`((?:mvn|java|curl) [^`]+)`");
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
    void whatACommandWithinASentenceNamesExists() throws IOException {
        Sources sources = new Sources(tests(), sources());
        List<String> commands = new ArrayList<>();
        List<String> wrong = new ArrayList<>();
        for (Path document : documents()) {
            boolean inBlock = false;
            for (String line : Files.readAllLines(document)) {
                inBlock ^= line.strip().startsWith("```");
                Matcher command = INLINE.matcher(inBlock ? "" : line);
                while (command.find()) {
                    commands.add(command.group(1));
                    sources.missing(command.group(1))
                            .forEach(name -> wrong.add(TOP.relativize(document) + ": `" + command.group(1)
                                    + "`: there is no [" + name + "]"));
                }
            }
        }
        assertThat(commands).hasSizeGreaterThan(50);
        assertThat(wrong).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "mvn -B verify -pl drain-valv",
                "mvn -B verify -Dit.test=StopsIT",
                "mvn -B verify -Dflete=long",
                "java -cp drain-verification/target/benchmarks.jar io.tomcatdrain.scale.Sack 5",
                "java -jar drain-verification/target/benchmarks.jar -f 2 StripeBenchmark",
                "java -jar drain-valve-VERSION-all.jar state http://node1:8090/drain",
                "java -jar drain-valve-VERSION-all.jar roll http://node1:8090/drain --commands x",
                "curl -X POST …/drain?waits=10m",
                "curl http://localhost:8080/drain/alive"
            })
    void aNameThatDoesNotExistIsFound(String command) throws IOException {
        assertThat(new Sources(tests(), sources()).missing(command)).hasSize(1);
    }

    /** What commands can name. */
    private record Sources(Map<String, String> tests, String all) {
        private static final Pattern JAR = Pattern.compile("-(?:jar|cp) \\S*/benchmarks\\.jar(.*)");
        private static final Pattern TERMINAL = Pattern.compile("java -jar drain-valve\\S*-all\\.jar (.*)");
        private static final Pattern ENDPOINT = Pattern.compile("/drain(?:/(\\w+))?(?:\\?(\\w+)=)?[^/]*$");
        private static final Set<String> OF_MAVEN = Set.of(
                "failIfNoTests", "skipTests", "altDeploymentRepository", "test", "it.test", "jol.magicFieldOffset");

        /** Returns what a command names, and is not there. */
        List<String> missing(String command) {
            List<String> missing = new ArrayList<>();
            if (command.startsWith("mvn ")) {
                ofMaven(command, missing);
            }
            Matcher jar = JAR.matcher(command);
            if (jar.find()) {
                for (String word : jar.group(1).split(" ")) {
                    boolean ours = word.startsWith("io.tomcatdrain.") || word.endsWith("Benchmark");
                    String name = word.substring(word.lastIndexOf('.') + 1);
                    if (ours && !all.contains(" class " + name + " ")) {
                        missing.add(word);
                    }
                }
            }
            Matcher terminal = TERMINAL.matcher(command);
            if (terminal.find()) {
                ofTerminal(List.of(terminal.group(1).split(" ")), missing);
            }
            Matcher endpoint = ENDPOINT.matcher(command);
            if (command.startsWith("curl ") && endpoint.find()) {
                String below = endpoint.group(1);
                if (below != null
                        && !Set.of("ready", "live", "events", "canary").contains(below)) {
                    missing.add(below);
                }
                String parameter = endpoint.group(2);
                if (parameter != null
                        && !Set.of("wait", "timeout", "reason", "resumeAfter", "prober")
                                .contains(parameter)) {
                    missing.add(parameter);
                }
            }
            return missing;
        }

        private void ofMaven(String command, List<String> missing) {
            List<String> words = List.of(command.split(" "));
            for (String word : words) {
                if (word.startsWith("-Dit.test=") || word.startsWith("-Dtest=")) {
                    String test = word.substring(word.indexOf('=') + 1);
                    if (!test.equals("none") && !tests.containsKey(test)) {
                        missing.add(test);
                    }
                } else if (word.startsWith("-D")) {
                    String property = word.substring(2).split("=")[0];
                    boolean known = OF_MAVEN.contains(property)
                            || property.endsWith(".failIfNoSpecifiedTests")
                            || all.contains('"' + property + '"')
                            || all.contains("${" + property + "}");
                    if (!known) {
                        missing.add(property);
                    }
                } else if (word.startsWith("-P") && !all.contains("<id>" + word.substring(2) + "</id>")) {
                    missing.add(word);
                }
            }
            int modules = words.indexOf("-pl");
            if (modules >= 0) {
                for (String module : words.get(modules + 1).split(",")) {
                    if (!Files.exists(TOP.resolve(module).resolve("pom.xml"))) {
                        missing.add(module);
                    }
                }
            }
        }

        private void ofTerminal(List<String> words, List<String> missing) {
            if (!all.contains("case \"" + words.get(0) + "\" -> " + words.get(0))) {
                missing.add(words.get(0));
            }
            for (String word : words) {
                if (word.startsWith("--") && !all.contains("                " + word + " ")) {
                    missing.add(word);
                }
            }
        }
    }

    private static String sources() throws IOException {
        try (Stream<Path> modules = Files.list(TOP)) {
            return modules.flatMap(module -> Stream.of(module.resolve("src"), module.resolve("pom.xml"), module))
                    .filter(place -> Files.isDirectory(place)
                            ? place.endsWith("src")
                            : place.endsWith("pom.xml") && Files.exists(place))
                    .flatMap(CommandsTest::walk)
                    .filter(file ->
                            file.toString().matches(".*\\.java|.*pom\\.xml") && !file.endsWith("CommandsTest.java"))
                    .map(CommandsTest::read)
                    .collect(Collectors.joining());
        }
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
        assertThat(shell.waitFor(2, TimeUnit.MINUTES)).isTrue();
        assertThat(shell.exitValue()).isZero();

        Path file = directory.resolve("drain.token");
        DrainSettings settings = DrainSettings.of(Map.of("tokenFile", file.toString()));
        assertThat(settings.isToken(Files.readString(file).strip())).isTrue();
    }

    private static List<Block> blocks() throws IOException {
        List<Block> blocks = new ArrayList<>();
        for (Path document : documents()) {
            addBlocks(document, Files.readAllLines(document), blocks);
        }
        return blocks;
    }

    private static List<Path> documents() {
        try (Stream<Path> documents = Stream.concat(
                Stream.of(TOP.resolve("README.md"), TOP.resolve("CONTRIBUTING.md"), TOP.resolve("SECURITY.md")),
                Stream.of("docs", "examples").flatMap(each -> walk(TOP.resolve(each))))) {
            return documents.filter(each -> each.toString().endsWith(".md")).toList();
        }
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
                    .filter(file -> file.toString().matches(".*(Test|IT|Fuzz)\\.java"))
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
