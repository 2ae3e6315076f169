package io.tomcatdrain.sample;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.util.List;
import java.util.jar.JarFile;
import java.util.zip.ZipEntry;
import org.junit.jupiter.api.Test;

/** Looks at the WAR and the executable jar as their users get them. */
class ArtifactIT {
    @Test
    void warHoldsTheWebApplicationAlone() throws IOException {
        assertThat(filesIn("sample.war"))
                .contains("WEB-INF/classes/io/tomcatdrain/sample/web/package-info.class")
                .noneMatch(name -> name.startsWith("WEB-INF/lib/"))
                .allMatch(name ->
                        !name.endsWith(".class") || name.startsWith("WEB-INF/classes/io/tomcatdrain/sample/web/"));
    }

    @Test
    void executableJarHoldsLauncherValveTomcatAndTheWar() throws IOException {
        assertThat(filesIn("sample.exec.jar"))
                .doesNotHaveDuplicates()
                .contains(
                        "io/tomcatdrain/sample/Main.class",
                        "io/tomcatdrain/valve/package-info.class",
                        "io/tomcatdrain/package-info.class",
                        "org/apache/catalina/startup/Tomcat.class",
                        "sample-webapp.war")
                .noneMatch(name -> name.startsWith("io/tomcatdrain/sample/web/"))
                .noneMatch(name -> name.endsWith("module-info.class"));
    }

    private static List<String> filesIn(String property) throws IOException {
        try (var jar = new JarFile(System.getProperty(property))) {
            return jar.stream()
                    .filter(entry -> !entry.isDirectory())
                    .map(ZipEntry::getName)
                    .toList();
        }
    }
}
