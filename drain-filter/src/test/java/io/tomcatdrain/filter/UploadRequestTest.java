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
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

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
        when(request.getMethod()).thenReturn("POST");
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

    /** The end of such a body shows only to an application that reads on. */
    @Test
    void bodyOfUnknownLengthIsIncompleteOnlyWhileMoreOfItIsWanted() throws IOException {
        HttpServletRequest chunked = requestOf(-1);
        ServletUpload unknown = new ServletUpload(chunked);
        boolean[] completeWithin = {true};
        when(chunked.getInputStream()).thenReturn(new Watching(() -> completeWithin[0] = unknown.isBodyComplete()));
        ServletInputStream in = UploadRequest.wrap(chunked, unknown).getInputStream();
        assertThat(unknown.isBodyComplete()).isTrue();
        in.readNBytes(3);
        assertThat(completeWithin[0]).isFalse();
        assertThat(unknown.isBodyComplete()).isTrue();

        in.setReadListener(mock(ReadListener.class));
        assertThat(unknown.isBodyComplete()).as("it is told when there is more").isFalse();
        in.readNBytes(3);
        assertThat(unknown.isBodyComplete()).isFalse();
        in.readAllBytes();
        assertThat(unknown.isBodyComplete()).isTrue();
    }

    /** Says when it is read. */
    private static final class Watching extends ServletInputStream {
        private final Stream in = new Stream();
        private final Runnable whenRead;

        Watching(Runnable whenRead) {
            this.whenRead = whenRead;
        }

        @Override
        public int read() {
            whenRead.run();
            return in.read();
        }

        @Override
        public boolean isFinished() {
            return in.isFinished();
        }

        @Override
        public boolean isReady() {
            return true;
        }

        @Override
        public void setReadListener(ReadListener listener) {}
    }

    @Test
    void readerOfATypeWhoseCharsetTheContainerKnowsIsTheContainers() throws IOException {
        java.io.BufferedReader theirs = new java.io.BufferedReader(new java.io.StringReader("ü"));
        when(container.getContentType()).thenReturn("application/json");
        when(container.getReader()).thenReturn(theirs);

        assertThat(upload.getReader()).isSameAs(theirs).isSameAs(upload.getReader());
        assertThat(progress.bytesReceived()).as("unknown").isEqualTo(-1);
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

    @ParameterizedTest
    @ValueSource(strings = {"one", "names", "values", "map"})
    void aFormWhoseParametersTheContainerHasReadIsComplete(String asked) throws Exception {
        when(container.getContentType()).thenReturn("Application/X-WWW-Form-Urlencoded; charset=UTF-8");
        switch (asked) {
            case "one" -> upload.getParameter("größe");
            case "names" -> upload.getParameterNames();
            case "values" -> upload.getParameterValues("größe");
            default -> upload.getParameterMap();
        }
        assertThat(progress.bytesReceived()).isEqualTo(BODY.length);
        assertThat(progress.isBodyComplete()).isTrue();

        container.getInputStream().readAllBytes();
        assertThat(upload.getInputStream().read()).isEqualTo(-1);
        assertThat(progress.isCut()).isFalse();
        assertThat(progress.bytesReceived()).isEqualTo(BODY.length);
    }

    /** Tomcat leaves a form that is too long for it to the application. */
    @Test
    void aFormThatTheContainerHasNotReadIsReadByTheApplication() throws Exception {
        when(container.getContentType()).thenReturn("application/x-www-form-urlencoded");
        container.setAttribute("org.apache.catalina.parameter_parse_failed", true);
        upload.getParameter("größe");
        assertThat(progress.bytesReceived()).isEqualTo(-1);

        assertThat(upload.getInputStream().readAllBytes()).hasSize(BODY.length);
        assertThat(progress.bytesReceived()).isEqualTo(BODY.length);
        assertThat(progress.isCut()).isFalse();
    }

    @Test
    void parametersAreReadOfFormsOnly() throws Exception {
        when(container.getContentType()).thenReturn("application/x-www-form-urlencodedX");
        upload.getParameter("größe");
        assertThat(progress.bytesReceived()).isEqualTo(-1);
        assertThat(progress.isBodyComplete()).isFalse();

        when(container.getContentType()).thenReturn("Application/X-WWW-Form-URLEncoded;charset=utf-8");
        upload.getParameter("größe");
        assertThat(progress.bytesReceived()).isEqualTo(BODY.length);
        assertThat(progress.isBodyComplete()).isTrue();
    }

    /** Only then does it show that the container has read the body, as it does for parts if the servlet is configured for them. */
    @Test
    void aBodyOfPartsThatIsEmptyWhenTheApplicationAsksForItIsComplete() throws Exception {
        when(container.getContentType()).thenReturn("multipart/form-data; boundary=cut");
        upload.getParameter("größe");
        assertThat(progress.bytesReceived()).isEqualTo(-1);

        container.getInputStream().readAllBytes();
        assertThat(upload.getInputStream().read()).isEqualTo(-1);
        assertThat(progress.isCut()).isFalse();
        assertThat(progress.isBodyComplete()).isTrue();
        assertThat(progress.bytesReceived()).isEqualTo(BODY.length);
    }

    /** No container reads it by itself. */
    @Test
    void aBodyOfBytesThatIsEmptyIsCut() throws Exception {
        when(container.getContentType()).thenReturn("application/octet-stream");
        upload.getParameter("größe");
        container.getInputStream().readAllBytes();
        assertThat(upload.getInputStream().read()).isEqualTo(-1);
        assertThat(progress.isCut()).isTrue();
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
