package io.tomcatdrain;

import static org.assertj.core.api.Assertions.assertThat;

import io.tomcatdrain.explore.Interleaver;
import io.tomcatdrain.explore.Scenario;
import io.tomcatdrain.explore.SwitchPoints;
import java.util.Comparator;
import java.util.Map;
import java.util.function.Supplier;
import java.util.logging.Level;
import java.util.logging.Logger;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;

/**
 * The interleavings in which the threads of a drain can meet: all with one preemption, and with two as many as a build has time for.
 *
 * <p>{@code -Dinterleavings.preemptions=3} takes all with so many.
 */
class InterleavingsTest {
    private static final int ALL = Integer.getInteger("interleavings.preemptions", 1);

    /** Of those with one preemption more, in each scenario. */
    private static final long FURTHER = ALL > 1 ? 1 : 300;

    /** It takes as long as most of the others together, and so begins first. */
    private static final String LONGEST = "request and upload end while the drain is told to end and the node resumes";

    /** Held, since a logger that nobody holds forgets its level. */
    private static final Logger LOG = Logger.getLogger(Drain.class.getName());

    /** Explorations that run at once share no class: a thread may be made to wait while it initializes one. */
    private static final ThreadLocal<Map<String, Supplier<Scenario>>> OF_THIS_THREAD =
            ThreadLocal.withInitial(() -> scenarios(Map.of()));

    @BeforeAll
    static void quiet() {
        LOG.setLevel(Level.OFF);
    }

    /** Of the threads of one exploration one runs at a time: two explorations share the machine. */
    @TestFactory
    @Execution(ExecutionMode.CONCURRENT)
    Stream<DynamicTest> noInterleavingBreaksAnInvariant() {
        return OF_THIS_THREAD.get().keySet().stream()
                .sorted(Comparator.comparing(each -> !each.equals(LONGEST)))
                .map(each -> DynamicTest.dynamicTest(each, () -> {
                    Supplier<Scenario> scenarios = OF_THIS_THREAD.get().get(each);
                    Interleaver.Verdict all = Interleaver.explore(ALL, Long.MAX_VALUE, scenarios);
                    assertThat(all.violation()).isEmpty();
                    Interleaver.Verdict further = Interleaver.explore(ALL + 1, FURTHER, scenarios);
                    assertThat(further.violation()).isEmpty();
                    System.out.println(all.interleavings() + " and " + further.interleavings()
                            + " interleavings in which " + each);
                }));
    }

    @TestFactory
    Stream<DynamicTest> whatIsBrokenIsCaught() {
        return Stream.of(
                        Map.of("InFlightGate", "BrokenGates$CheckThenCount"),
                        Map.of("InFlightGate", "BrokenGates$ToldByASecondLook"),
                        Map.of("InFlightGate", "BrokenGates$ToldBeforeLeaving"),
                        Map.of(SwitchPoints.LOCKS, "none"))
                .map(broken -> DynamicTest.dynamicTest(broken.toString(), () -> {
                    for (Map.Entry<String, Supplier<Scenario>> each :
                            scenarios(broken).entrySet()) {
                        Interleaver.Verdict verdict = Interleaver.explore(2, Long.MAX_VALUE, each.getValue());
                        if (!verdict.violation().isEmpty()) {
                            System.out.println(broken + " is caught where " + each.getKey() + ": " + verdict);
                            return;
                        }
                    }
                    throw new AssertionError("no scenario catches " + broken);
                }));
    }

    @SuppressWarnings("unchecked")
    private static Map<String, Supplier<Scenario>> scenarios(Map<String, String> replaced) {
        try {
            Class<?> all = new SwitchPoints(replaced).loadClass(SequenceScenarios.class.getName());
            return (Map<String, Supplier<Scenario>>) all.getMethod("all").invoke(null);
        } catch (ReflectiveOperationException e) {
            throw new AssertionError(e);
        }
    }
}
