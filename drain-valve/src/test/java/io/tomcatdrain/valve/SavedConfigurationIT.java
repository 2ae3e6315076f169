package io.tomcatdrain.valve;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.apache.catalina.Lifecycle;
import org.apache.catalina.LifecycleListener;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Tomcat's StoreConfig, behind the Manager's {@code save}, writes server.xml anew from what runs. It looks each listener's class up by
 * name, passes over what it does not find, and fails as a whole on a class without a public constructor.
 */
class SavedConfigurationIT {
    @ParameterizedTest
    @EnumSource
    void hasNoListenerOfTheValve(TestServer.Position position) throws Exception {
        try (TestServer server = TestServer.with(position).start()) {
            Stream<Lifecycle> whole = Stream.of(
                    server.tomcat().getServer(),
                    server.tomcat().getService(),
                    server.tomcat().getEngine(),
                    server.tomcat().getHost(),
                    server.context());
            List<LifecycleListener> ours = whole.flatMap(part -> Arrays.stream(part.findLifecycleListeners()))
                    .filter(listener -> listener.getClass().getName().startsWith("io.tomcatdrain."))
                    .toList();
            assertThat(ours)
                    .hasSizeGreaterThan(2)
                    .allSatisfy(listener -> assertThat(listener.getClass()).matches(Class::isHidden, "is hidden"));
        }
    }
}
