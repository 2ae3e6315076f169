package io.tomcatdrain.http;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class LongRequestsTest {
    private static final long LONG = 60_000_000_000L;

    private final LongRequests requests = new LongRequests();

    @Test
    void haveSixteenPlaces() {
        List<LongRequests.Stay> stays = new ArrayList<>();
        for (int i = 0; i < 16; i++) {
            stays.add(requests.enter());
        }

        assertThat(stays).doesNotContainNull();
        assertThat(requests.enter()).isNull();
        stays.get(3).close();
        assertThat(requests.enter()).isNotNull();
        assertThat(requests.enter()).isNull();
    }

    @Test
    void takeAllNewsAtOnce() throws InterruptedException {
        try (LongRequests.Stay stay = requests.enter()) {
            requests.wake();
            requests.wake();

            assertThat(stay.awaitNews(LONG)).isTrue();
            assertThat(stay.awaitNews(0)).isFalse();
            assertThat(stay.awaitNews(-1)).isFalse();
        }
    }

    @Test
    void areToldToEndAlsoWhenTheyComeLater() throws InterruptedException {
        LongRequests.Stay early = requests.enter();
        assertThat(early.isEnding()).isFalse();

        requests.end();

        assertThat(early.isEnding()).isTrue();
        assertThat(early.awaitNews(LONG)).isTrue();
        assertThat(requests.enter().isEnding()).isTrue();
    }

    @Test
    void tellWhenNobodyIsLeft() throws InterruptedException {
        assertThat(requests.awaitNobody(0)).isTrue();
        LongRequests.Stay stay = requests.enter();
        assertThat(requests.awaitNobody(-1)).isFalse();

        Thread leaving = new Thread(stay::close);
        leaving.start();

        assertThat(requests.awaitNobody(LONG)).isTrue();
        assertThat(requests.enter()).isNotNull();
    }
}
