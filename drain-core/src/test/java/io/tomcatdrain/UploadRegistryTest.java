package io.tomcatdrain;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class UploadRegistryTest {
    private static final int MANY = 100_000;
    private static final int UNDER_WAY = 3_000;

    private final FakeTicker time = new FakeTicker();
    private final UploadRegistry registry = new UploadRegistry(time, new Counters());
    private final InFlightGate gate = new InFlightGate(2, () -> {});
    private int looks;

    /** A node that serves has no reason to look, and clients that leave can be without number. */
    @Test
    void keepsNoMoreThatIsGoneThanIsUnderWayAlthoughNobodyLooks() {
        List<UploadTicket> underWay = new ArrayList<>();
        for (int i = 0; i < UNDER_WAY; i++) {
            underWay.add(admitted(TestUpload.ofLength(10)));
        }
        for (int i = 0; i < MANY; i++) {
            TestUpload upload = TestUpload.ofLength(10);
            admitted(upload);
            upload.isDroppedByTheContainer();
            assertThat(registry.uploads()).isLessThanOrEqualTo(2 * UNDER_WAY + UploadRegistry.LEAST_UNLOOKED);
        }

        underWay.forEach(UploadTicket::close);
        registry.look();
        assertThat(gate.inFlight()).isZero();
    }

    @Test
    void keepsNoMoreRequestsThatAreGone() {
        for (int i = 0; i < MANY; i++) {
            trackGone();
            assertThat(gate.inFlight()).isLessThanOrEqualTo(UploadRegistry.LEAST_UNLOOKED);
        }
    }

    /** What a newcomer pays for the looks is the same however many are there. */
    @Test
    void looksAtAFewForEachNewcomer() {
        for (int i = 0; i < MANY; i++) {
            assertThat(gate.enter()).isTrue();
            registry.track(gate, () -> {
                looks++;
                return false;
            });
        }

        assertThat(gate.inFlight()).isEqualTo(MANY);
        assertThat(looks).isLessThanOrEqualTo(2 * MANY);
    }

    private UploadTicket admitted(UploadSource source) {
        assertThat(gate.enter()).isTrue();
        return registry.admit(source, gate);
    }

    private void trackGone() {
        assertThat(gate.enter()).isTrue();
        registry.track(gate, () -> true);
    }
}
