package io.tomcatdrain.boot;

import io.tomcatdrain.testkit.fleet.Parts;
import jakarta.servlet.http.HttpServletRequest;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Import;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RestController;

/** A small application as Spring Boot starts it, on a free port. Without a lame duck, unless a test asks for one: a single poll would make it last for seconds. */
@Configuration(proxyBeanMethods = false)
@EnableAutoConfiguration
@Import(TestApp.Work.class)
public class TestApp {

    /** Starts it on its own: {@code java -cp … TestApp --name=value…}. */
    public static void main(String... arguments) {
        SpringApplication.run(TestApp.class, arguments);
    }

    static ConfigurableApplicationContext started(String... properties) {
        return started(new Class<?>[] {TestApp.class}, properties);
    }

    static ConfigurableApplicationContext started(Class<?>[] sources, String... properties) {
        var all = new TreeMap<String, Object>(Map.of(
                "server.port", "0",
                "server.address", "127.0.0.1",
                "server.tomcat.basedir", ownDirectory(),
                "spring.main.banner-mode", "off",
                "management.endpoint.health.probes.enabled", "true",
                "drain.lame-duck", "off"));
        for (String property : properties) {
            all.put(property.substring(0, property.indexOf('=')), property.substring(property.indexOf('=') + 1));
        }
        var application = new SpringApplication(sources);
        application.setDefaultProperties(all);
        application.setRegisterShutdownHook(false);
        return application.run();
    }

    /** Spring Boot's own stays behind at the end, since something is in it. */
    private static String ownDirectory() {
        try {
            return Files.createTempDirectory(Files.createDirectories(Parts.work()), "tomcat")
                    .toString();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    static int port(ConfigurableApplicationContext application) {
        return application.getEnvironment().getRequiredProperty("local.server.port", Integer.class);
    }

    static int managementPort(ConfigurableApplicationContext application) {
        return application.getEnvironment().getRequiredProperty("local.management.port", Integer.class);
    }

    /** What the application does. */
    @RestController
    static class Work {
        @GetMapping("/page")
        String page() {
            return "page";
        }

        /** On the application's task executor. */
        @GetMapping("/async")
        Callable<String> async() {
            return () -> "async";
        }

        @PostMapping("/upload")
        String upload(HttpServletRequest request) throws IOException {
            return "bytes=" + request.getInputStream().readAllBytes().length;
        }
    }
}
