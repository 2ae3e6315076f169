package io.tomcatdrain.boot;

import static org.assertj.core.api.Assertions.assertThat;

import org.apache.catalina.util.ServerInfo;
import org.junit.jupiter.api.Test;
import org.springframework.boot.SpringBootVersion;
import org.springframework.core.SpringVersion;

/** Guards the build: each of its two runs of the integration tests must be on the line that it is named after. */
class BootLineIT {
    @Test
    void runsOnTheLineThatTheBuildMeant() {
        assertThat(SpringBootVersion.getVersion()).isEqualTo(System.getProperty("boot.version"));
        assertThat(ServerInfo.getServerNumber()).startsWith(System.getProperty("tomcat.version"));
        assertThat(SpringVersion.getVersion())
                .startsWith(System.getProperty("boot.version").startsWith("3.") ? "6." : "7.");
    }
}
