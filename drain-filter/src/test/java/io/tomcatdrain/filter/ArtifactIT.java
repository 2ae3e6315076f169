package io.tomcatdrain.filter;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.jar.JarFile;
import java.util.zip.ZipEntry;
import org.junit.jupiter.api.Test;

/** Looks at the built jar as its users get it. */
class ArtifactIT {
    @Test
    void jarNamesItsModuleAndCarriesItsLicence() throws IOException {
        try (var jar = new JarFile(System.getProperty("artifact.jar"))) {
            var attributes = jar.getManifest().getMainAttributes();
            assertThat(attributes.getValue("Automatic-Module-Name")).isEqualTo("io.tomcatdrain.filter");
            assertThat(jar.getEntry("META-INF/LICENSE")).isNotNull();
        }
    }

    @Test
    void jarHoldsTheFilterAloneAndRegistersIt() throws IOException {
        try (var jar = new JarFile(System.getProperty("artifact.jar"))) {
            assertThat(jar.stream().map(ZipEntry::getName).filter(name -> name.endsWith(".class")))
                    .contains("io/tomcatdrain/filter/DrainFilter.class")
                    .allMatch(name -> name.startsWith("io/tomcatdrain/filter/"));
            var services = jar.getEntry("META-INF/services/jakarta.servlet.ServletContainerInitializer");
            assertThat(jar.getInputStream(services))
                    .asString(StandardCharsets.US_ASCII)
                    .isEqualToIgnoringNewLines(DrainInitializer.class.getName());
        }
    }
}
