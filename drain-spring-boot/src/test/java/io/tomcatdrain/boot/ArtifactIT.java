package io.tomcatdrain.boot;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.util.jar.JarFile;
import org.junit.jupiter.api.Test;

/** Looks at the built jar as its users get it. */
class ArtifactIT {
    @Test
    void jarNamesItsModuleAndHoldsWhatSpringLooksFor() throws IOException {
        try (var jar = new JarFile(System.getProperty("artifact.jar"))) {
            var attributes = jar.getManifest().getMainAttributes();
            assertThat(attributes.getValue("Automatic-Module-Name")).isEqualTo("io.tomcatdrain.boot");
            assertThat(jar.stream().map(entry -> entry.getName()))
                    .contains(
                            "META-INF/LICENSE",
                            "META-INF/spring-configuration-metadata.json",
                            "META-INF/spring/org.springframework.boot.autoconfigure.AutoConfiguration.imports");
        }
    }
}
