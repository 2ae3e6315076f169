package io.tomcatdrain.sample.fleet;

import static org.assertj.core.api.Assertions.assertThat;

import io.tomcatdrain.testkit.fleet.Parts;
import io.tomcatdrain.testkit.fleet.ServerProcess;
import io.tomcatdrain.testkit.fleet.WebServer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The front ends' examples as they lie there: each program finds its file valid, and the parts for Debian say what the complete file says. */
@Timeout(60)
final class ExampleFilesIT {
    private static final Duration LIMIT = Duration.ofSeconds(30);

    /** What a complete file has for itself: the server around it, and mod_jk's logs, which Debian's package has elsewhere. */
    private static final Pattern OF_THE_COMPLETE_FILE =
            Pattern.compile("</?IfDefine.*|Define .*|JkLogFile .*|JkLogLevel .*|JkShmFile .*|worker\\.list=fleet");

    /** What Debian's parts have besides: a page that shows how mod_jk sees the nodes. */
    private static final Pattern OF_DEBIAN =
            Pattern.compile(".*jk-status.*|</Location>|Require ip 127\\.0\\.0\\.1|access_log /var/log/.*|bind :80");

    @ParameterizedTest
    @CsvSource({
        "HTTPD_MOD_JK, httpd-mod_jk",
        "HTTPD_MOD_JK, httpd-mod_jk-close-listener",
        "HTTPD, httpd-mod_proxy_http",
        "HTTPD, httpd-mod_proxy_http-close-listener",
        "HTTPD, httpd-mod_proxy_ajp",
        "NGINX, nginx-buffering",
        "NGINX, nginx-streaming",
        "NGINX, one-node",
        "HAPROXY, haproxy",
        "CADDY, caddy",
        "LIGHTTPD, lighttpd"
    })
    void theProgramFindsTheCompleteFileValid(WebServer server, String example) throws IOException {
        RollingUpgradeIT.needs(server.missing());
        var work = Parts.emptied(Parts.work().resolve("valid"));
        var log = work.resolve("output.log");
        var command = check(server, Parts.example(example), work);
        try (var process = ServerProcess.start(command, Map.of("HOME", work.toString()), log)) {
            process.awaitExitNanos(LIMIT);
            assertThat(process.exitStatus()).as(Files.readString(log)).isZero();
        }
        assertThat(log).content().doesNotContainIgnoringCase("[warn", "[emerg", "deprecated", "WARNING");
    }

    private static List<String> check(WebServer server, Path example, Path work) throws IOException {
        var program = server.program().toString();
        return switch (server) {
            case HTTPD, HTTPD_MOD_JK ->
                List.of(
                        program,
                        "-C",
                        "Define RUN_DIR " + work,
                        "-C",
                        "Define LOG_DIR " + work,
                        "-t",
                        "-f",
                        example.resolve("httpd.conf").toString());
            case NGINX ->
                List.of(
                        program,
                        "-t",
                        "-p",
                        work.toString(),
                        "-c",
                        example.resolve("nginx.conf").toString());
            case HAPROXY ->
                List.of(
                        "/usr/bin/env",
                        "SERVER_STATE=" + Files.writeString(work.resolve("state"), "1\n"),
                        program,
                        "-c",
                        "-f",
                        example.resolve("haproxy.cfg").toString());
            case CADDY ->
                List.of(
                        program,
                        "validate",
                        "--adapter",
                        "caddyfile",
                        "--config",
                        example.resolve("Caddyfile").toString());
            case LIGHTTPD ->
                List.of(program, "-t", "-f", example.resolve("lighttpd.conf").toString());
        };
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "httpd-mod_jk",
                "httpd-mod_jk-close-listener",
                "httpd-mod_proxy_http",
                "httpd-mod_proxy_http-close-listener",
                "httpd-mod_proxy_ajp"
            })
    void httpdsPartsSayWhatTheCompleteFileSays(String example) throws IOException {
        var complete = Files.readString(Parts.example(example + "/httpd.conf"));
        var port = complete.contains("NODE1_PORT 8009") ? "8009" : "8080";
        var needed = complete.substring(complete.indexOf("---- 2. ")).replace("JkWorkerProperty ", "");
        for (var node : List.of("1", "2")) {
            needed = needed.replace("${NODE" + node + "_HOST}", "10.0.0.1" + node)
                    .replace("${NODE" + node + "_PORT}", port);
        }
        assertThat(ofDebian(example)).isEqualTo(directives(needed, OF_THE_COMPLETE_FILE));
    }

    @ParameterizedTest
    @ValueSource(strings = {"nginx-buffering", "nginx-streaming"})
    void nginxsPartsSayWhatTheCompleteFileSays(String example) throws IOException {
        var complete = Files.readString(Parts.example(example + "/nginx.conf"))
                .replace("127.0.0.1:8080", "10.0.0.11:8080")
                .replace("127.0.0.1:8081", "10.0.0.12:8080");
        var needed = complete.substring(complete.indexOf("log_format nodes"));
        assertThat(ofDebian(example))
                .isEqualTo(
                        directives(needed, Pattern.compile("access_log .*|\\w+_temp_path .*|server \\{|listen 80;")));
    }

    @Test
    void haProxysPartSaysWhatTheCompleteFileSays() throws IOException {
        var complete = Files.readString(Parts.example("haproxy/haproxy.cfg"))
                .replace("\"${NODE1_HOST}:${NODE1_PORT}\"", "10.0.0.11:8080")
                .replace("\"${NODE2_HOST}:${NODE2_PORT}\"", "10.0.0.12:8080")
                .replace("\"${NODE1_CONTROL_PORT}\"", "8090")
                .replace("\"${NODE2_CONTROL_PORT}\"", "8090")
                .replace("\"${SERVER_STATE}\"", "/var/lib/haproxy/tomcat-drain.state");
        var needed = complete.substring(complete.indexOf("option forwardfor"));
        assertThat(ofDebian("haproxy")).isEqualTo(directives(needed, Pattern.compile("bind .*")));
    }

    /** The directives of all its parts for Debian. */
    private static Set<String> ofDebian(String example) throws IOException {
        var all = new TreeSet<String>();
        try (var parts = Files.list(Parts.example(example + "/debian"))) {
            for (var part : parts.toList()) {
                all.addAll(directives(Files.readString(part), OF_DEBIAN));
            }
        }
        return all;
    }

    /** The lines that are no comments, without those that one side has alone. */
    private static Set<String> directives(String text, Pattern alone) {
        return Arrays.stream(text.split("\n"))
                .map(String::strip)
                .filter(line -> !line.isEmpty() && !line.startsWith("#") && !line.startsWith("----"))
                .filter(line -> !alone.matcher(line).matches())
                .collect(Collectors.toCollection(TreeSet::new));
    }
}
