package io.tomcatdrain.filter;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.mockito.ArgumentMatchers.any;
import static org.mockito.ArgumentMatchers.anyString;
import static org.mockito.Mockito.doAnswer;
import static org.mockito.Mockito.mock;
import static org.mockito.Mockito.when;

import jakarta.servlet.ReadListener;
import jakarta.servlet.ServletInputStream;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletRequestWrapper;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class UploadRequestTest {
    /** Ten characters of which two take two bytes each. */
    private static final byte[] BODY = "größe=1234".getBytes(StandardCharsets.UTF_8);

    private static HttpServletRequest requestOf(long contentLength) throws IOException {
        HttpServletRequest request = mock(HttpServletRequest.class);
        Map<String, Object> attributes = new HashMap<>();
        doAnswer(call -> attributes.put(call.getArgument(0), call.getArgument(1)))
                .when(request)
                .setAttribute(anyString(), any());
        when(request.getAttribute(anyString())).thenAnswer(call -> attributes.get(call.<String>getArgument(0)));
        when(request.getContentLengthLong()).thenReturn(contentLength);
        when(request.getContextPath()).thenReturn("/shop");
        when(request.getServletPath()).thenReturn("/upload");
        when(request.getInputStream()).thenReturn(new Stream());
        return request;
    }

    private static final class Stream extends ServletInputStream {
        private final ByteArrayInputStream in = new ByteArrayInputStream(BODY);

        @Override
        public int read() {
            return in.read();
        }

        @Override
        public boolean isFinished() {
            return in.available() == 0;
        }

        @Override
        public boolean isReady() {
            return true;
        }

        @Override
        public void setReadListener(ReadListener listener) {}
    }

    private final ServletUpload progress;
    private final HttpServletRequest container;
    private final HttpServletRequest upload;

    UploadRequestTest() throws IOException {
        container = requestOf(BODY.length);
        progress = new ServletUpload(container);
        upload = UploadRequest.wrap(container, progress);
    }

    @Test
    void nothingIsKnownUntilTheApplicationAsksForTheBody() throws IOException {
        assertThat(progress.path()).isEqualTo("/shop/upload");
        assertThat(progress.bytesReceived()).isEqualTo(-1);
        ServletInputStream in = upload.getInputStream();
        assertThat(progress.bytesReceived()).isZero();

        assertThat(in.read()).isEqualTo('g');
        assertThat(in.readNBytes(3)).hasSize(3);
        assertThat(progress.bytesReceived()).isEqualTo(4);
        assertThat(upload.getInputStream()).isSameAs(in);
        assertThat(progress.isBodyComplete()).isFalse();
        in.readAllBytes();

        assertThat(progress.bytesReceived()).isEqualTo(BODY.length);
        assertThat(progress.isBodyComplete()).isTrue();
        assertThat(progress.isCut()).isFalse();
    }

    @Test
    void readerDecodesAndCountsBytes() throws IOException {
        when(container.getCharacterEncoding()).thenReturn("UTF-8");

        assertThat(upload.getReader().readLine()).isEqualTo("größe=1234");
        assertThat(upload.getReader()).isSameAs(upload.getReader());
        assertThat(progress.bytesReceived()).isEqualTo(BODY.length);
        assertThatThrownBy(upload::getInputStream).isInstanceOf(IllegalStateException.class);
    }

    @Test
    void readerWithoutACharsetIsThatOfTheSpecification() throws IOException {
        assertThat(upload.getReader().readLine()).isEqualTo(new String(BODY, StandardCharsets.ISO_8859_1));
    }

    @Test
    void streamAndReaderExcludeEachOther() throws IOException {
        upload.getInputStream();

        assertThatThrownBy(upload::getReader).isInstanceOf(IllegalStateException.class);
    }

    /** A reset HTTP/2 stream may look like an end to the application, which then answers as if nothing were wrong. */
    @Test
    void bodyThatEndsTooEarlyIsCut() throws IOException {
        HttpServletRequest longer = requestOf(BODY.length + 1);
        ServletUpload cut = new ServletUpload(longer);
        UploadRequest.wrap(longer, cut).getInputStream().readAllBytes();

        assertThat(cut.isCut()).isTrue();
    }

    @Test
    void partsAreTheWholeBody() throws Exception {
        when(container.getParts()).thenReturn(List.of());

        upload.getParts();

        assertThat(progress.bytesReceived()).isEqualTo(BODY.length);
        assertThat(progress.isBodyComplete()).isTrue();
    }

    /** An async dispatch comes with the container's own request, unless the application has handed on its own. */
    @Test
    void asyncDispatchIsWrappedAgainOnce() throws IOException {
        HttpServletRequest again = UploadRequest.wrapAgain(container);
        assertThat(again).isInstanceOf(UploadRequest.class);
        again.getInputStream().readAllBytes();
        assertThat(progress.bytesReceived()).isEqualTo(BODY.length);

        HttpServletRequest applications = new HttpServletRequestWrapper(upload);
        assertThat(UploadRequest.wrapAgain(applications)).isSameAs(applications);
        HttpServletRequest plain = requestOf(0);
        assertThat(UploadRequest.wrapAgain(plain)).isSameAs(plain);
    }

    @Test
    void requestThatTomcatHasRecycledIsGone() {
        assertThat(progress.isGone()).isFalse();
        when(container.isSecure()).thenThrow(new IllegalStateException("recycled"));

        assertThat(progress.isGone()).isTrue();
    }
}
