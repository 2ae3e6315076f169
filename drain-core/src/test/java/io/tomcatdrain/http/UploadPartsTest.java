package io.tomcatdrain.http;

import static org.assertj.core.api.Assertions.assertThat;

import io.tomcatdrain.DrainSettings;
import io.tomcatdrain.NodeDrain;
import jakarta.servlet.http.HttpServletRequest;
import java.lang.reflect.Proxy;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Whatever goes wrong while a request is looked at, it is served like one that is no part of an upload. */
class UploadPartsTest {
    private final NodeDrain drain = new NodeDrain("parts", DrainSettings.of(Map.of("uploadKeys", "path:/dav/*")));

    @AfterEach
    void end() {
        drain.close();
    }

    private static HttpServletRequest request(Throwable fault) {
        return (HttpServletRequest) Proxy.newProxyInstance(
                UploadPartsTest.class.getClassLoader(),
                new Class<?>[] {HttpServletRequest.class},
                (proxy, method, arguments) -> switch (method.getName()) {
                    case "getMethod" -> "POST";
                    case "getContentLengthLong" -> 1L;
                    case "getRequestURI" -> "/dav/a";
                    case "getHeader" -> {
                        if (fault != null) {
                            throw fault;
                        }
                        yield null;
                    }
                    default -> null;
                });
    }

    @Test
    void aPathOfTheSettingsMakesAPart() {
        assertThat(new UploadParts(drain).of(request(null))).isNotNull();
    }

    @ParameterizedTest
    @ValueSource(classes = {StackOverflowError.class, NoClassDefFoundError.class, IllegalStateException.class})
    void noFaultFailsARequest(Class<? extends Throwable> kind) throws Exception {
        HttpServletRequest request = request(kind.getDeclaredConstructor().newInstance());

        assertThat(new UploadParts(drain).of(request)).isNull();
    }
}
