package io.tomcatdrain;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.tomcatdrain.Ticket.Part.Answer;
import io.tomcatdrain.Ticket.Part.Head;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class OpenUploadsTest {
    private static final long GAP = TimeUnit.SECONDS.toNanos(30);
    private static final long MEBIBYTE = 1 << 20;

    private final FakeTicker time = new FakeTicker();
    private final List<String> warnings = new ArrayList<>();
    private final OpenUploads open = new OpenUploads(time, true, GAP, warnings::add);
    private final OpenUploads strict = new OpenUploads(time, false, GAP, warnings::add);

    private static boolean passes(OpenUploads table, Head head, Answer answer) {
        Ticket.Part part = new Ticket.Part(head, table);
        boolean admitted = table.comes(part);
        if (admitted) {
            table.isIn();
        }
        if (answer != null) {
            part.answered(answer);
        }
        part.end();
        return admitted;
    }

    private boolean passes(Head head, Answer answer) {
        return passes(open, head, answer);
    }

    private boolean isAdmitted(Head head) {
        Ticket.Part part = new Ticket.Part(head, open);
        boolean admitted = open.comes(part);
        if (admitted) {
            open.isTurnedAway(part);
        }
        return admitted;
    }

    private void create(String client, String id, long length) {
        passes(Parts.creation(client, length), Parts.created(id));
    }

    private double secondsToWait() {
        return open.look(time.nanos(), time.instant()).nanos() / 1e9;
    }

    private List<ActiveUpload> snapshot() {
        return open.snapshot(time.nanos(), time.instant());
    }

    // ---------------------------------------------------------------- what is open

    @Test
    void anUploadIsKnownFromTheAnswerToItsFirstRequestOn() {
        assertThat(isAdmitted(Parts.patch(null, "a", 0, 10))).isFalse();
        create(null, "a", 100);
        assertThat(isAdmitted(Parts.patch(null, "a", 0, 10))).isTrue();
        assertThat(isAdmitted(Parts.patch(null, "b", 0, 10)))
                .as("begun elsewhere")
                .isFalse();
    }

    @Test
    void whatIsAnsweredWithAnErrorOpensNothing() {
        passes(Parts.creation("s", 100), Parts.status(500));
        passes(Parts.creation("s", 100), new Answer(302, List.of(Parts.name("a")), -1, false, null));
        passes(Parts.creation("s", 100), null);
        assertThat(open.isEmpty()).isTrue();
    }

    @Test
    void progressIsThatOfTheWholeFile() {
        create("s", "a", 100);
        time.advanceSeconds(1);
        passes(Parts.patch("s", "a", 0, 40), Parts.offset(40));

        assertThat(snapshot()).singleElement().satisfies(upload -> {
            assertThat(upload.path()).isEqualTo("/files");
            assertThat(upload.bytesReceived()).isEqualTo(40);
            assertThat(upload.contentLength()).isEqualTo(100);
            assertThat(upload.bytesPerSecond()).isEqualTo(40);
            assertThat(upload.etaMillis()).isEqualTo(1500);
        });
    }

    @Test
    void aPartInFlightCountsWithWhatHasArrivedOfIt() {
        create("s", "a", 100);
        Ticket.Part part = new Ticket.Part(Parts.patch("s", "a", 0, 50), open);
        open.comes(part);
        part.carriedBy(TestUpload.ofLength(50).receives(30));
        time.advanceSeconds(3);

        assertThat(snapshot()).singleElement().satisfies(upload -> {
            assertThat(upload.bytesReceived()).isEqualTo(30);
            assertThat(upload.stalledMillis()).isZero();
        });
    }

    @Test
    void endsWithItsLastPartAndLingers() {
        create(null, "a", 100);
        passes(Parts.patch(null, "a", 0, 100), Parts.offset(100));

        assertThat(snapshot()).isEmpty();
        assertThat(secondsToWait()).isEqualTo(5);
        time.advanceSeconds(4);
        assertThat(isAdmitted(Parts.reads("HEAD", null, "a"))).isTrue();
        passes(Parts.patch(null, "a", 100, 0), Parts.offset(100));
        assertThat(secondsToWait()).as("what brings nothing prolongs nothing").isEqualTo(1);
        time.advanceSeconds(1);
        assertThat(secondsToWait()).isZero();
        assertThat(isAdmitted(Parts.patch(null, "a", 0, 100))).isFalse();
    }

    @Test
    void whatIsWholeWithItsFirstRequestIsNoUploadOfSeveral() {
        passes(Parts.creation("s", 100), new Answer(201, List.of(Parts.name("a")), 100, false, null));
        passes(Parts.chunk("s", "b", 0, 1), Parts.status(200));
        assertThat(open.isEmpty()).isTrue();
        assertThat(isAdmitted(Parts.page("s"))).isFalse();
    }

    @Test
    void endsWhenTheServerDoesNotKnowItAnyMore() {
        for (Head gone : List.of(Parts.patch("s", "a", 0, 10), Parts.reads("HEAD", "s", "a"), Parts.delete("s", "a"))) {
            for (int status : new int[] {404, 410}) {
                create("s", "a", 100);
                passes(gone, Parts.status(status));
                assertThat(open.isEmpty()).isTrue();
            }
        }
        create("s", "a", 100);
        passes(Parts.delete("s", "a"), Parts.status(500));
        assertThat(open.isEmpty()).isFalse();
        passes(Parts.reads("GET", "s", "a"), Parts.status(404));
        assertThat(open.isEmpty()).as("a chunk that is not there yet").isFalse();
        passes(Parts.delete("s", "a"), Parts.status(204));
        assertThat(open.isEmpty()).isTrue();
        assertThat(isAdmitted(Parts.page("s"))).isFalse();
    }

    @Test
    void chunksMayComeInAnyOrderAndTwice() {
        passes(Parts.chunk("s", "f", 2, 4), Parts.status(200));
        passes(Parts.chunk("s", "f", 0, 4), Parts.status(200));
        passes(Parts.chunk("s", "f", 0, 4), Parts.status(200));
        passes(Parts.chunk("s", "f", 3, 4), Parts.status(500));
        passes(Parts.chunk("s", "f", 3, 4), Parts.status(200));
        assertThat(snapshot())
                .singleElement()
                .satisfies(upload -> assertThat(upload.bytesReceived()).isEqualTo(300));
        passes(Parts.chunk("s", "f", 1, 4), Parts.status(200));
        assertThat(snapshot()).isEmpty();
    }

    @Test
    void parallelFirstChunksAreOneUpload() {
        Ticket.Part one = new Ticket.Part(Parts.chunk("s", "f", 0, 3), open);
        Ticket.Part two = new Ticket.Part(Parts.chunk("s", "f", 1, 3), open);
        assertThat(open.comes(one)).isFalse();
        assertThat(open.comes(two)).isFalse();
        one.answered(Parts.status(200));
        one.end();
        two.answered(Parts.status(200));
        two.end();
        assertThat(open.size()).isEqualTo(1);
        passes(Parts.chunk("s", "f", 2, 3), Parts.status(200));
        assertThat(snapshot()).isEmpty();
    }

    @Test
    void aNameThatOthersCouldGuessCountsWithItsClientOnly() {
        passes(Parts.chunk("s", "f", 0, 3), Parts.status(200));
        assertThat(isAdmitted(Parts.chunk("other", "f", 1, 3))).isFalse();
        assertThat(isAdmitted(Parts.chunk(null, "f", 1, 3))).isFalse();
        assertThat(isAdmitted(Parts.chunk("s", "f", 1, 3))).isTrue();
    }

    @Test
    void withoutAClientSuchANameIsAdmittedAndNotWaitedFor() {
        passes(Parts.chunk(null, "f", 0, 3), Parts.status(200));
        assertThat(isAdmitted(Parts.chunk(null, "f", 1, 3))).isTrue();
        assertThat(secondsToWait()).isZero();
    }

    @Test
    void locationMayChangeWithEveryAnswer() {
        create("s", "a1", 100);
        passes(Parts.patch("s", "a1", 0, 10), new Answer(202, List.of(Parts.name("a2")), -1, false, null));
        passes(Parts.patch("s", "a2", 10, 10), new Answer(202, List.of(Parts.name("a3")), -1, false, null));
        assertThat(open.size()).isEqualTo(1);
        assertThat(isAdmitted(Parts.patch("x", "a3", 20, 10))).isTrue();
        passes(Parts.delete("s", "a3"), Parts.status(204));
        assertThat(open.isEmpty()).isTrue();
        assertThat(isAdmitted(Parts.patch("x", "a2", 20, 10))).isFalse();
    }

    @Test
    void concatenationContinuesAndEndsThem() {
        create(null, "a", 50);
        create(null, "b", 50);
        passes(Parts.patch(null, "a", 0, 50), Parts.offset(50));
        time.advanceSeconds(60);
        passes(Parts.patch(null, "b", 0, 50), Parts.offset(50));
        assertThat(passes(Parts.concatenation(null, "a", "b"), Parts.created("c")))
                .isTrue();
        assertThat(snapshot()).isEmpty();
    }

    // ---------------------------------------------------------------- clients

    @Test
    void everyRequestOfAClientWithAnOpenUploadIsAdmitted() {
        create("s", "a", 100);
        assertThat(isAdmitted(Parts.page("s"))).isTrue();
        assertThat(isAdmitted(Parts.creation("s", 10))).isTrue();
        assertThat(isAdmitted(Parts.page("other"))).isFalse();
        assertThat(isAdmitted(Parts.page(null))).isFalse();
        time.advanceSeconds(31);
        assertThat(isAdmitted(Parts.page("s"))).as("nothing came for so long").isFalse();
    }

    @Test
    void orOnlyWhatContinuesOne() {
        passes(strict, Parts.creation("s", 100), Parts.created("a"));
        assertThat(passes(strict, Parts.page("s"), Parts.status(200))).isFalse();
        assertThat(passes(strict, Parts.creation("s", 100), Parts.status(503))).isFalse();
        assertThat(passes(strict, Parts.reads("OPTIONS", null, "a"), Parts.status(204)))
                .isTrue();
        assertThat(passes(strict, Parts.patch(null, "a", 0, 10), Parts.offset(10)))
                .isTrue();
    }

    @Test
    void aSessionThatIsMadeOrRenamedByTheAnswerIsTheClient() {
        passes(Parts.creation(null, 100), Parts.createdFor("made", "a"));
        assertThat(isAdmitted(Parts.page("made"))).isTrue();
        passes(Parts.patch("made", "a", 0, 10), new Answer(204, List.of(), 10, false, "renamed"));
        assertThat(isAdmitted(Parts.page("renamed"))).isTrue();
        assertThat(isAdmitted(Parts.page("made"))).isFalse();

        passes(Parts.chunk("one", "f", 0, 3), Parts.status(200));
        passes(Parts.chunk("one", "f", 1, 3), new Answer(200, List.of(), -1, false, "two"));
        assertThat(isAdmitted(Parts.chunk("two", "f", 2, 3))).isTrue();
    }

    // ---------------------------------------------------------------- waiting

    @Test
    void isWaitedForAsLongAsTheGapSinceItsLastPart() {
        create("s", "a", 100);
        time.advanceSeconds(10);
        passes(Parts.patch("s", "a", 0, 10), Parts.offset(10));
        assertThat(secondsToWait()).isEqualTo(30);
        time.advance(Duration.ofMillis(29_999));
        assertThat(open.look(time.nanos(), time.instant()).givenUp()).isEmpty();
        time.advance(Duration.ofMillis(1));

        OpenUploads.Look look = open.look(time.nanos(), time.instant());
        assertThat(look.nanos()).isZero();
        assertThat(look.givenUp()).singleElement().satisfies(lost -> {
            assertThat(lost.bytesReceived()).isEqualTo(10);
            assertThat(lost.stalledMillis()).isEqualTo(30_000);
        });
        assertThat(isAdmitted(Parts.patch("s", "a", 10, 10)))
                .as("what was given up is refused")
                .isFalse();
    }

    /** Only what brings something prolongs the wait; a retry behind a broken connection has the rest of the gap. */
    @Test
    void failuresAndQuestionsDoNotProlongTheWait() {
        create("s", "a", 100);
        for (int i = 0; i < 29; i++) {
            time.advanceSeconds(1);
            passes(Parts.patch("s", "a", 0, 10), Parts.status(500));
            passes(Parts.patch("s", "a", 0, 0), Parts.offset(0));
            passes(Parts.reads("HEAD", "s", "a"), Parts.status(200));
            passes(Parts.page("s"), Parts.status(200));
        }
        assertThat(secondsToWait()).isEqualTo(1);
        passes(Parts.patch("s", "a", 0, 1), Parts.offset(1));
        assertThat(secondsToWait()).isEqualTo(30);
    }

    @Test
    void timeInFlightIsNoPause() {
        create("s", "a", 100);
        time.advanceSeconds(10);
        Ticket.Part slow = new Ticket.Part(Parts.patch("s", "a", 0, 100), open);
        open.comes(slow);
        open.isIn();
        assertThat(secondsToWait()).as("its gate holds the drain").isZero();
        time.advanceSeconds(100);
        assertThat(open.look(time.nanos(), time.instant()).givenUp()).isEmpty();
        slow.end();
        assertThat(secondsToWait()).isEqualTo(20);
    }

    @Test
    void aPartThatIsOnItsWayToItsGateIsWaitedFor() {
        create("s", "a", 100);
        Ticket.Part part = new Ticket.Part(Parts.patch("s", "a", 0, 100), open);
        open.comes(part);
        assertThat(open.look(time.nanos(), time.instant()).nanos()).isPositive();
        open.isIn();
        assertThat(secondsToWait()).isZero();
        Ticket.Part page = new Ticket.Part(Parts.page("s"), open);
        open.comes(page);
        assertThat(open.look(time.nanos(), time.instant()).nanos()).isPositive();
        open.isTurnedAway(page);
        assertThat(secondsToWait()).isZero();
    }

    @Test
    void whatWasIdleBeforeTheDrainIsAdmittedAndNotWaitedFor() {
        create("s", "a", 100);
        time.advanceSeconds(31);
        assertThat(open.drainBegins(time.nanos())).isEqualTo(1);
        assertThat(secondsToWait()).isZero();
        assertThat(isAdmitted(Parts.page("s"))).isFalse();
        assertThat(passes(Parts.patch("s", "a", 0, 10), Parts.offset(10))).isTrue();
        assertThat(secondsToWait()).isEqualTo(30);
    }

    @Test
    void oneWhoseEndNobodySeesIsNotLostWhenNothingComes() {
        passes(Parts.endless("s", "d"), Parts.status(201));
        assertThat(secondsToWait()).isEqualTo(30);
        time.advanceSeconds(30);
        assertThat(open.look(time.nanos(), time.instant()).givenUp()).isEmpty();
        assertThat(secondsToWait()).isZero();
    }

    @Test
    void theLimitCutsWhatIsWaitedFor() {
        create("s", "waiting", 100);
        create("s", "inFlight", 100);
        create("s", "whole", 100);
        passes(Parts.patch("s", "whole", 0, 100), Parts.offset(100));
        open.comes(new Ticket.Part(Parts.patch("s", "inFlight", 0, 100), open));

        assertThat(open.cut(time.nanos(), time.instant())).hasSize(2);
        assertThat(open.cut(time.nanos(), time.instant())).isEmpty();
        assertThat(isAdmitted(Parts.patch(null, "waiting", 0, 100))).isFalse();
        open.readopt();
        assertThat(isAdmitted(Parts.patch(null, "waiting", 0, 100))).isTrue();
    }

    // ---------------------------------------------------------------- bounds

    @Test
    void clientsAndTheWholeAreBounded() {
        for (int i = 0; i < 2 * UploadIndex.MOST_OF_A_CLIENT; i++) {
            create("greedy", "g" + i, 100);
        }
        assertThat(open.size()).isEqualTo(UploadIndex.MOST_OF_A_CLIENT);
        for (int i = 0; i < 2 * UploadIndex.MOST; i++) {
            create("c" + i, "u" + i, 100);
        }
        assertThat(open.size()).isEqualTo(UploadIndex.MOST);
        assertThat(warnings).hasSize(1);
        assertThat(isAdmitted(Parts.patch("greedy", "g0", 0, 1))).isTrue();
    }

    @Test
    void theIdleAndTheWholeMakeRoom() {
        for (int i = 0; i < UploadIndex.MOST; i++) {
            create("c" + i, "u" + i, 100);
        }
        time.advance(Duration.ofMinutes(59));
        passes(Parts.patch("c7", "u7", 0, 10), Parts.offset(10));
        time.advance(Duration.ofMinutes(1));
        create("new", "new", 100);
        assertThat(open.size()).isEqualTo(2);
        assertThat(isAdmitted(Parts.patch("c7", "u7", 10, 10))).isTrue();
        assertThat(warnings).isEmpty();
    }

    @Test
    void aMillionInventedNamesLeaveNothing() {
        create("s", "a", 100);
        for (int i = 0; i < 1_000_000; i++) {
            Ticket.Part part = new Ticket.Part(Parts.patch(null, "x" + i, 0, 10), open);
            assertThat(open.comes(part)).isFalse();
        }
        assertThat(open.size()).isEqualTo(1);
    }

    /** As many as there can be, each of a client of its own and with a path of usual length. */
    @Test
    void tenThousandTakeTwoMebibytes() {
        int tables = 8;
        long before = used();
        List<OpenUploads> kept = new ArrayList<>();
        for (int t = 0; t < tables; t++) {
            OpenUploads table = new OpenUploads(time, true, GAP, warnings::add);
            for (int i = 0; i < UploadIndex.MOST; i++) {
                passes(table, Parts.creation("client" + i, 1000), Parts.created("id" + i));
            }
            kept.add(table);
        }
        assertThat(kept).allSatisfy(table -> assertThat(table.size()).isEqualTo(UploadIndex.MOST));
        // What other threads of this JVM have just dropped is not the tables'.
        await().untilAsserted(() -> {
            assertThat((used() - before) / tables).isLessThanOrEqualTo(2 * MEBIBYTE + MEBIBYTE / 10);
            assertThat(kept).hasSize(tables);
        });
    }

    private static long used() {
        Runtime runtime = Runtime.getRuntime();
        for (int i = 0; i < 3; i++) {
            System.gc();
        }
        return runtime.totalMemory() - runtime.freeMemory();
    }

    /** Whatever comes in whatever order, the table stays consistent, and an end is reached when nothing comes any more. */
    @Test
    void anySequenceLeavesAConsistentTable() {
        for (int seed = 0; seed < 200; seed++) {
            Random random = new Random(seed);
            OpenUploads table = new OpenUploads(time, random.nextBoolean(), GAP, warnings::add);
            List<Ticket.Part> inFlight = new ArrayList<>();
            for (int i = 0; i < 300; i++) {
                int step = random.nextInt(5);
                if (step < 2) {
                    Ticket.Part part = new Ticket.Part(any(random), table);
                    if (table.comes(part)) {
                        if (random.nextInt(9) == 0) {
                            table.isTurnedAway(part);
                            continue;
                        }
                        table.isIn();
                    }
                    inFlight.add(part);
                } else if (step < 4 && !inFlight.isEmpty()) {
                    Ticket.Part part = inFlight.remove(random.nextInt(inFlight.size()));
                    if (random.nextInt(5) > 0) {
                        part.answered(anyAnswer(random));
                    }
                    part.end();
                } else {
                    time.advance(Duration.ofMillis(random.nextInt(20_000)));
                    table.look(time.nanos(), time.instant());
                    if (random.nextInt(20) == 0) {
                        table.drainBegins(time.nanos());
                        table.cut(time.nanos(), Instant.EPOCH);
                        table.readopt();
                    }
                }
            }
            inFlight.forEach(Ticket.Part::end);
            table.look(time.nanos(), time.instant());
            time.advanceSeconds(31);
            assertThat(table.look(time.nanos(), time.instant()).nanos())
                    .as("seed %s", seed)
                    .isNotEqualTo(Long.MAX_VALUE);
            time.advanceSeconds(31);
            assertThat(table.look(time.nanos(), time.instant()).nanos())
                    .as("seed %s", seed)
                    .isZero();
            for (int id = 0; id < 4; id++) {
                for (String client : CLIENTS) {
                    passes(table, Parts.delete(client, "i" + id), Parts.status(204));
                    passes(table, Parts.chunk(client, "i" + id, 1, 9), Parts.status(404));
                    passes(table, Parts.endless(client, "i" + id), Parts.status(410));
                }
            }
            assertThat(table.size()).as("seed %s", seed).isZero();
            assertThat(table.isEmpty()).isTrue();
        }
    }

    private static final List<String> CLIENTS = new ArrayList<>(List.of("s", "t"));

    static {
        CLIENTS.add(null);
    }

    private static Head any(Random random) {
        String client = CLIENTS.get(random.nextInt(3));
        String id = "i" + random.nextInt(4);
        return switch (random.nextInt(7)) {
            case 0 -> Parts.creation(client, random.nextInt(3) * 50);
            case 1 -> Parts.patch(client, id, random.nextInt(60), random.nextInt(60));
            case 2 -> Parts.chunk(client, id, random.nextInt(3), 3);
            case 3 -> Parts.endless(client, id);
            case 4 -> Parts.delete(client, id);
            case 5 -> Parts.concatenation(client, id, "i" + random.nextInt(4));
            default -> Parts.reads("HEAD", client, id);
        };
    }

    private static Answer anyAnswer(Random random) {
        String client = CLIENTS.get(random.nextInt(3));
        return switch (random.nextInt(6)) {
            case 0 -> Parts.status(404);
            case 1 -> Parts.status(500);
            case 2 -> new Answer(204, List.of(), random.nextInt(60), random.nextBoolean(), client);
            default -> Parts.createdFor(client, "i" + random.nextInt(4));
        };
    }
}
