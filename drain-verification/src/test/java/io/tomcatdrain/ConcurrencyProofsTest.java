package io.tomcatdrain;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.openjdk.jcstress.JCStress;
import org.openjdk.jcstress.Options;
import org.openjdk.jcstress.infra.collectors.DiskReadCollector;
import org.openjdk.jcstress.infra.collectors.InProcessCollector;
import org.openjdk.jcstress.infra.collectors.TestResult;
import org.openjdk.jcstress.infra.grading.TestGrading;

/** Runs the stress tests of this module and judges them: the proofs hold, and what is broken is caught. */
class ConcurrencyProofsTest {
    private static final String BROKEN = BrokenGateStress.class.getName();

    private static final int MOST_AGAIN = 20;

    private static Collection<TestResult> results = List.of();
    private static Map<String, Boolean> caught = Map.of();
    private static Collection<String> all = List.of();

    @BeforeAll
    static void runThem() throws Exception {
        all = new JCStress(options()).getTests();
        results = run();
        // What is broken shows by luck, for which a busy machine leaves less room.
        caught = caught(results);
        for (int again = 0; again < MOST_AGAIN && caught.containsValue(false); again++) {
            var missing =
                    caught.keySet().stream().filter(name -> !caught.get(name)).map(Pattern::quote);
            caught.putAll(caught(run("-t", missing.collect(Collectors.joining("|")))));
        }
    }

    private static Collection<TestResult> run(String... further) throws Exception {
        Options options = options(further);
        new JCStress(options).run();
        InProcessCollector collector = new InProcessCollector();
        DiskReadCollector reader = new DiskReadCollector(options.getResultFile(), collector);
        reader.dump();
        reader.close();
        return collector.getTestResults();
    }

    private static Options options(String... further) throws Exception {
        List<String> arguments = arguments();
        arguments.addAll(List.of(further));
        Options options = new Options(arguments.toArray(String[]::new));
        assertThat(options.parse()).isTrue();
        return options;
    }

    /** Says of each test of what is broken whether it has shown so. */
    private static Map<String, Boolean> caught(Collection<TestResult> results) {
        Map<String, Boolean> caught = new TreeMap<>();
        for (TestResult result : results) {
            if (result.getName().startsWith(BROKEN)) {
                caught.merge(result.getName(), result.grading().hasInteresting, Boolean::logicalOr);
            }
        }
        return caught;
    }

    /** A quick run takes a bounded time in few JVMs; a long run takes what jcstress thinks right. */
    private static List<String> arguments() {
        String mode = System.getProperty("jcstress.mode");
        List<String> arguments = new ArrayList<>(List.of("-r", "jcstress", "-m", mode));
        if (mode.equals("quick")) {
            arguments.addAll(List.of("-jvmArgs", "-Xmx256m", "-sc", "false", "-f", "1", "-iters", "2", "-time", "150"));
        }
        return arguments;
    }

    @Test
    void everyStressTestHasRun() {
        assertThat(all).isNotEmpty();
        assertThat(results.stream().map(TestResult::getName)).containsAll(all);
    }

    @TestFactory
    Stream<DynamicTest> noForbiddenOutcomeShows() {
        return results.stream()
                .map(result -> DynamicTest.dynamicTest(result.getName() + " " + result.getConfig(), () -> {
                    TestGrading grading = result.grading();
                    assertThat(grading.failureMessages).as(result.getName()).isEmpty();
                    assertThat(grading.isPassed).as(result.getName()).isTrue();
                    assertThat(result.getTotalCount()).as(result.getName()).isPositive();
                }));
    }

    @TestFactory
    Stream<DynamicTest> whatIsBrokenIsCaught() {
        assertThat(caught).isNotEmpty();
        return caught.entrySet().stream()
                .map(each -> DynamicTest.dynamicTest(
                        each.getKey(),
                        () -> assertThat(each.getValue())
                                .as("the outcome that condemns " + each.getKey() + " shows")
                                .isTrue()));
    }
}
