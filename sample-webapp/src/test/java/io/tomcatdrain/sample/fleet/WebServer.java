package io.tomcatdrain.sample.fleet;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/** A front end's program: where it is, what Debian calls it, and how it is started with an example's configuration. */
enum WebServer {
    HTTPD("httpd", "apache2", List.of("apache2", "httpd"), "mod_proxy_http.so"),
    HTTPD_MOD_JK("httpd with mod_jk", "apache2 libapache2-mod-jk", List.of("apache2", "httpd"), "mod_jk.so");

    private static final List<String> HTTPD_MODULES = List.of(
            "/usr/lib/apache2/modules",
            "/usr/lib64/httpd/modules",
            "/usr/libexec/apache2",
            "/usr/local/apache2/modules");

    private final String title;
    private final String packages;
    private final List<String> programs;
    private final String module;

    WebServer(String title, String packages, List<String> programs, String module) {
        this.title = title;
        this.packages = packages;
        this.programs = programs;
        this.module = module;
    }

    /** What is not installed, and how to install it; empty when the server can be started. */
    Optional<String> missing() {
        return program().isPresent() && modules().isPresent()
                ? Optional.empty()
                : Optional.of(title + " not installed (apt-get install " + packages + ")");
    }

    /** The command that runs the server in the foreground; the settings become {@code Define}s. */
    List<String> command(Path example, Map<String, String> settings) {
        var command = new ArrayList<String>();
        command.add(program().orElseThrow().toString());
        settings.forEach((name, value) -> command.addAll(List.of("-C", "Define " + name + " \"" + value + "\"")));
        command.addAll(List.of("-C", "Define MODULES \"" + modules().orElseThrow() + "\""));
        command.addAll(List.of("-f", example.resolve("httpd.conf").toString(), "-DFOREGROUND"));
        return command;
    }

    private Optional<Path> program() {
        var path = System.getenv().getOrDefault("PATH", "") + ":/usr/sbin:/usr/local/sbin";
        return Stream.of(path.split(":"))
                .flatMap(directory -> programs.stream().map(program -> Path.of(directory, program)))
                .filter(Files::isExecutable)
                .findFirst();
    }

    private Optional<Path> modules() {
        return HTTPD_MODULES.stream()
                .map(Path::of)
                .filter(directory -> Files.exists(directory.resolve(module)))
                .findFirst();
    }
}
