package io.tomcatdrain.valve;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.File;
import java.io.IOException;
import java.util.jar.JarFile;
import java.util.zip.ZipEntry;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Looks at the built jars as their users get them. */
class ArtifactIT {
    @ParameterizedTest
    @ValueSource(strings = {"artifact.jar", "artifact.all.jar"})
    void jarNamesItsModuleAndCarriesItsLicence(String property) throws IOException {
        try (var jar = new JarFile(System.getProperty(property))) {
            var attributes = jar.getManifest().getMainAttributes();
            assertThat(attributes.getValue("Automatic-Module-Name")).isEqualTo("io.tomcatdrain.valve");
            assertThat(jar.getEntry("META-INF/LICENSE")).isNotNull();
        }
    }

    @Test
    void mainJarHoldsTheValveAndTheTerminalAlone() throws IOException {
        try (var jar = new JarFile(System.getProperty("artifact.jar"))) {
            assertThat(jar.stream().map(ZipEntry::getName).filter(name -> name.endsWith(".class")))
                    .isNotEmpty()
                    .allMatch(
                            name -> name.startsWith("io/tomcatdrain/valve/") || name.startsWith("io/tomcatdrain/cli/"));
        }
    }

    @Test
    void allJarStaysSmallAndStartsTheTerminal() throws IOException {
        File all = new File(System.getProperty("artifact.all.jar"));
        // docs/measurements.md says what is in it, and what else could be left out.
        assertThat(all.length()).isLessThan(505_000);
        try (var jar = new JarFile(all)) {
            assertThat(jar.getManifest().getMainAttributes().getValue("Main-Class"))
                    .isEqualTo("io.tomcatdrain.cli.Main");
        }
    }

    @Test
    void allJarHoldsValveAndCoreAndNothingElse() throws IOException {
        try (var jar = new JarFile(System.getProperty("artifact.all.jar"))) {
            var files = jar.stream()
                    .filter(entry -> !entry.isDirectory())
                    .map(ZipEntry::getName)
                    .toList();
            assertThat(files)
                    .doesNotHaveDuplicates()
                    .contains(
                            "io/tomcatdrain/valve/package-info.class",
                            "io/tomcatdrain/valve/mbeans-descriptors.xml",
                            "io/tomcatdrain/package-info.class",
                            "io/tomcatdrain/http/package-info.class")
                    .allMatch(name -> name.startsWith("io/tomcatdrain/")
                            || name.equals("META-INF/MANIFEST.MF")
                            || name.equals("META-INF/LICENSE")
                            || name.startsWith("META-INF/maven/io.tomcatdrain/drain-valve/"));
        }
    }
}
