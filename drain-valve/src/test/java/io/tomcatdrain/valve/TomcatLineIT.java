package io.tomcatdrain.valve;

import static org.assertj.core.api.Assertions.assertThat;

import org.apache.catalina.util.ServerInfo;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Guards the build: each of its two runs of the integration tests must be on the Tomcat that it is named after. */
@Tag("oldest")
class TomcatLineIT {
    @Test
    void runsOnTheTomcatThatTheBuildMeant() {
        assertThat(ServerInfo.getServerNumber()).startsWith(System.getProperty("tomcat.version"));
    }
}
