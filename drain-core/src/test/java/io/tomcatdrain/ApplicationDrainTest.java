package io.tomcatdrain;

import static io.tomcatdrain.Commands.timeout;
import static io.tomcatdrain.DrainState.DRAINED;
import static io.tomcatdrain.DrainState.DRAINING;
import static io.tomcatdrain.DrainState.EXPIRED;
import static io.tomcatdrain.DrainState.SERVING;
import static org.assertj.core.api.Assertions.assertThat;

import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.time.Duration;
import java.util.Arrays;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** The drain that applications are given: everything that they may do, and nothing that takes the node from its neighbours. */
class ApplicationDrainTest {
    private static final Duration TEN_YEARS = Duration.ofDays(3650);

    private final FakeTicker time = new FakeTicker();

    @Test
    void cannotBeCastAndOffersNothingMore() {
        NodeDrain node = time.drain();
        Drain given = node.forApplications();

        assertThat(given).isNotInstanceOf(NodeDrain.class).isSameAs(node.forApplications());
        Stream<Method> offered = Arrays.stream(given.getClass().getDeclaredMethods())
                .filter(method -> Modifier.isPublic(method.getModifiers()));
        assertThat(offered)
                .allSatisfy(method -> assertThat(Drain.class.getMethod(method.getName(), method.getParameterTypes()))
                        .isNotNull());
        assertThat(given.getClass().getInterfaces()).containsExactly(Drain.class);
        assertThat(given.getClass().getSuperclass()).isEqualTo(Object.class);
        assertThat(Modifier.isPublic(given.getClass().getModifiers())).isFalse();
    }

    @Test
    void passesOnEverythingThatItOffers() throws Exception {
        NodeDrain node = time.drain("lameDuck", "off");
        Drain given = node.forApplications();
        assertThat(given.name()).isEqualTo(node.name());
        assertThat(given.settings()).isSameAs(node.settings());
        Changes changes = Changes.of(node);

        try (Hold hold = given.hold("import 42")) {
            assertThat(hold.isEffective()).isTrue();
            var outcome = given.start("by the application");
            assertThat(outcome).isSameAs(node.start("again"));
            assertThat(given.state()).isEqualTo(DRAINING);
            assertThat(given.isReady()).isFalse();
            assertThat(given.status()).isEqualTo(node.status());
            assertThat(given.summary()).isEqualTo(node.summary());
            assertThat(given.awaitDrained(Duration.ZERO)).isFalse();
            assertThat(given.awaitOver(Duration.ZERO)).isFalse();
        }
        time.settle();
        assertThat(given.awaitDrained(Duration.ZERO)).isTrue();
        assertThat(given.awaitOver(Duration.ZERO)).isTrue();
        given.resume();

        assertThat(node.state()).isEqualTo(SERVING);
        assertThat(changes.all()).endsWith("DRAINED -> SERVING");
    }

    @Test
    void aHoldOutlivesNoUploadTimeout() {
        NodeDrain node = time.drain("lameDuck", "off");
        node.forApplications().hold("for ever");
        node.startForStop("SIGTERM", true);
        time.advance(Duration.ofMinutes(10));

        assertThat(node.state()).isEqualTo(EXPIRED);
    }

    @Test
    void aLimitOfTenYearsOutlivesNoStop() {
        NodeDrain node = time.drain("lameDuck", "off");
        Drain given = node.forApplications();
        Hold hold = given.hold("for ever");
        given.start("mine", timeout(TEN_YEARS));
        time.advance(Duration.ofHours(1));
        assertThat(node.state()).as("no stop has begun").isEqualTo(DRAINING);
        node.startForStop("SIGTERM", true);
        given.start("mine", timeout(TEN_YEARS));
        assertThat(node.longestStop()).isEqualTo(Duration.ofMinutes(10));
        time.advance(Duration.ofMinutes(10));

        assertThat(node.state()).isEqualTo(EXPIRED);
        hold.close();
        assertThat(node.state()).isNotEqualTo(DRAINED);
    }
}
