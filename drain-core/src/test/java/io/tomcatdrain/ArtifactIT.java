package io.tomcatdrain;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.jar.JarFile;
import org.junit.jupiter.api.Test;

/** Looks at the built jar as its users get it. */
class ArtifactIT {
    @Test
    void jarNamesItsModuleAndCarriesItsLicence() throws IOException {
        try (var jar = new JarFile(System.getProperty("artifact.jar"))) {
            var attributes = jar.getManifest().getMainAttributes();
            assertThat(attributes.getValue("Automatic-Module-Name")).isEqualTo("io.tomcatdrain.core");
            assertThat(jar.getEntry("META-INF/LICENSE")).isNotNull();
        }
    }

    /** It has no parent to take the version from. */
    @Test
    void billOfMaterialsHasTheVersionOfTheJars() throws IOException {
        String jar = Path.of(System.getProperty("artifact.jar")).getFileName().toString();
        String version = jar.substring("drain-core-".length(), jar.length() - ".jar".length());

        assertThat(Files.readString(Path.of("..", "drain-bom", "pom.xml")))
                .contains("<artifactId>drain-bom</artifactId>\n  <version>" + version + "</version>");
    }

    /** It has no parent: what Maven itself would take may be too old for the deploy command of CONTRIBUTING.md. */
    @Test
    void theBillOfMaterialsIsDeployedByTheParentsPlugins() throws IOException {
        String parent = Files.readString(Path.of("..", "pom.xml")).replaceAll("\\s+", "");
        String bom = Files.readString(Path.of("..", "drain-bom", "pom.xml")).replaceAll("\\s+", "");
        for (String plugin : new String[] {"maven-install-plugin", "maven-deploy-plugin", "spotless-maven-plugin"}) {
            int at = bom.indexOf("<artifactId>" + plugin + "</artifactId><version>");
            assertThat(at).as(plugin).isPositive();
            assertThat(parent).contains(bom.substring(at, bom.indexOf("</version>", at)));
        }
    }
}
