package io.tomcatdrain.sample;

import static org.assertj.core.api.Assertions.assertThat;
import static org.mockito.Mockito.mock;
import static org.mockito.Mockito.when;

import java.io.IOException;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.concurrent.CompletionException;
import org.junit.jupiter.api.Test;

class DemoUploadTest {
    /** SHA-256 of no bytes at all. */
    private static final String EMPTY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    private final DemoUpload upload = DemoUpload.stream("empty.tar", 0, true, Duration.ZERO);

    @Test
    void rightAnswerIsComplete() {
        assertThat(upload.judge(answer(200, "{\"node\":\"n1\",\"size\":0,\"sha256\":\"" + EMPTY + "\"}"), null))
                .isEqualTo(new DemoUpload.Outcome(true, "200, size, fields and SHA-256 are right"));
    }

    @Test
    void anythingElseIsLost() {
        assertThat(upload.judge(answer(200, "{\"node\":\"n1\",\"size\":0,\"sha256\":\"00\"}"), null)
                        .complete())
                .isFalse();
        assertThat(upload.judge(answer(200, "{}"), null).complete()).isFalse();
        assertThat(upload.judge(answer(200, "<html>"), null).complete()).isFalse();
        assertThat(upload.judge(answer(502, ""), null)).isEqualTo(new DemoUpload.Outcome(false, "answer 502"));
        assertThat(upload.judge(null, new CompletionException(new IOException("reset"))))
                .isEqualTo(new DemoUpload.Outcome(false, "no answer after 0.0 of 0.0 MB: java.io.IOException: reset"));
    }

    @SuppressWarnings("unchecked")
    private static HttpResponse<String> answer(int status, String body) {
        HttpResponse<String> answer = mock(HttpResponse.class);
        when(answer.statusCode()).thenReturn(status);
        when(answer.body()).thenReturn(body);
        return answer;
    }
}
