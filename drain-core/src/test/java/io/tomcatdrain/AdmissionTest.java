package io.tomcatdrain;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.Named;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Where requests come in, while a step of a drain fails in the middle and is taken again. */
class AdmissionTest {
    /** Fails when the gate tells that it is idle, which an empty one does while it is sealed. */
    private int faultsToCome;

    private final Counters counters = new Counters();
    private final Admission admission = new Admission(
            counters,
            new UploadRegistry(() -> 0, counters),
            () -> {
                if (faultsToCome-- > 0) {
                    throw new OutOfMemoryError("for this test");
                }
            },
            2);

    static Stream<Named<Consumer<Admission>>> refusals() {
        return Stream.of(
                Named.of("refuse all", Admission::refuseAll),
                Named.of("refuse uploads, then all", admission -> {
                    admission.refuseUploads();
                    admission.refuseAll();
                }),
                Named.of("turn over, then refuse all", admission -> {
                    admission.turnOver();
                    admission.refuseAll();
                }));
    }

    @ParameterizedTest
    @MethodSource("refusals")
    void aStepThatIsTakenAgainNeverReopensAGate(Consumer<Admission> refusal) {
        for (int faults = 1; faults <= 4; faults++) {
            faultsToCome = faults;
            for (int i = 0; i < faults; i++) {
                try {
                    refusal.accept(admission);
                } catch (OutOfMemoryError onPurpose) {
                    assertThat(onPurpose).hasMessage("for this test");
                }
            }
            faultsToCome = 0;
            refusal.accept(admission);
            refusal.accept(admission);

            assertThat(admission.admitRequest()).isNull();
            assertThat(admission.admitUpload(TestUpload.unseen())).isNull();
            assertThat(admission.uploadsIdle()).isTrue();
            assertThat(admission.requestsIdle()).isTrue();
            admission.reopen();
            assertThat(admission.admitRequest()).isNotNull().satisfies(Ticket::close);
        }
    }

    @ParameterizedTest
    @MethodSource("refusals")
    void whoIsInsideIsStillWaitedForAfterAFault(Consumer<Admission> refusal) {
        Ticket upload = admission.admitUpload(TestUpload.unseen());
        faultsToCome = 1;
        assertThatThrownBy(() -> refusal.accept(admission)).isInstanceOf(OutOfMemoryError.class);
        faultsToCome = 0;
        refusal.accept(admission);

        assertThat(admission.admitRequest()).isNull();
        assertThat(admission.admitUpload(TestUpload.unseen())).isNull();
        assertThat(admission.uploadsIdle()).isFalse();
        upload.close();
        assertThat(admission.uploadsIdle()).isTrue();
    }
}
