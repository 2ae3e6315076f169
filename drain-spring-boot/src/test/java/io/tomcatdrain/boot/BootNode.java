package io.tomcatdrain.boot;

import io.tomcatdrain.testkit.fleet.Parts;
import io.tomcatdrain.testkit.fleet.ProcessNode;
import java.io.File;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;

/** An application of Spring Boot's as one node of a fleet: a process of its own, on the class path of the test. */
final class BootNode extends ProcessNode {
    private final Path directory;
    private final List<String> properties;

    BootNode(Path directory, String name, List<String> properties) {
        super(name, Parts.emptied(directory).resolve("console.log"));
        this.directory = directory.toAbsolutePath();
        this.properties = properties;
    }

    @Override
    public int ajpPort() {
        throw new UnsupportedOperationException("no AJP here");
    }

    @Override
    public List<Stop> ways() {
        return List.of(Stop.SIGTERM);
    }

    @Override
    protected List<String> command() {
        var command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Dnode=" + name(),
                "-DjvmRoute=" + name(),
                "-Djava.io.tmpdir=" + directory,
                "-Xmx256m",
                "-XX:+UseSerialGC",
                "-XX:TieredStopAtLevel=1",
                "-cp",
                withoutSpringCloud(),
                FleetApp.class.getName(),
                "--server.address=127.0.0.1",
                "--server.port=" + httpPort(),
                "--spring.main.banner-mode=off",
                "--spring.servlet.multipart.max-file-size=-1",
                // So that the body of a form is left to the servlet that reads it.
                "--spring.servlet.multipart.resolve-lazily=true",
                "--spring.servlet.multipart.max-request-size=-1"));
        properties.forEach(property -> command.add("--" + property));
        return command;
    }

    /** As most applications are, and unlike the tests that run in this process. */
    private static String withoutSpringCloud() {
        String all = System.getProperty("surefire.test.class.path", System.getProperty("java.class.path"));
        return Arrays.stream(all.split(File.pathSeparator))
                .filter(entry -> !entry.contains("spring-cloud"))
                .collect(Collectors.joining(File.pathSeparator));
    }
}
