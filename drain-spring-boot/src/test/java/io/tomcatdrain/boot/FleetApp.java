package io.tomcatdrain.boot;

import jakarta.servlet.AsyncContext;
import jakarta.servlet.ReadListener;
import jakarta.servlet.ServletInputStream;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import jakarta.servlet.http.HttpSession;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.boot.availability.ApplicationAvailability;
import org.springframework.boot.availability.ReadinessState;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Import;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.RestController;
import org.springframework.web.multipart.MultipartFile;

/** What the fleet's load asks for, as an application of Spring Boot. */
@Configuration(proxyBeanMethods = false)
@EnableAutoConfiguration
@Import(FleetApp.Work.class)
public class FleetApp {
    private static final String NODE = System.getProperty("node", "?");

    /** Starts it: {@code java -Dnode=n1 -cp … FleetApp --name=value…}. */
    public static void main(String... arguments) {
        SpringApplication.run(FleetApp.class, arguments);
    }

    /** Answers with what arrived, as the sample web application does. */
    @RestController
    static class Work {
        private final ApplicationAvailability availability;

        Work(ApplicationAvailability availability) {
            this.availability = availability;
        }

        @GetMapping("/page")
        Map<String, Object> page() {
            return Map.of("node", NODE);
        }

        @GetMapping("/session")
        Map<String, Object> session(HttpSession session) {
            return Map.of("node", NODE, "id", session.getId());
        }

        @PostMapping("/upload")
        Map<String, Object> upload(@RequestParam Map<String, String> fields, @RequestParam MultipartFile file)
                throws IOException {
            return Map.of(
                    "node",
                    NODE,
                    "fields",
                    fields,
                    "files",
                    List.of(Map.of(
                            "name",
                            String.valueOf(file.getOriginalFilename()),
                            "size",
                            file.getSize(),
                            "sha256",
                            sha256(file.getInputStream()))));
        }

        @PostMapping("/upload-stream")
        void uploadStream(HttpServletRequest request, HttpServletResponse response) throws IOException {
            AsyncContext async = request.startAsync();
            async.setTimeout(0);
            ServletInputStream in = request.getInputStream();
            in.setReadListener(new Receiver(async, in, response));
        }

        /** Where the drain answers, unless it is switched off: what Spring Boot itself would tell a balancer. */
        @GetMapping("/drain/ready")
        ResponseEntity<String> ready() {
            boolean accepts = availability.getReadinessState() == ReadinessState.ACCEPTING_TRAFFIC;
            return ResponseEntity.status(accepts ? 200 : 503).body("");
        }
    }

    private record Receiver(
            AsyncContext async, ServletInputStream in, HttpServletResponse response, ByteArrayOutputStream body)
            implements ReadListener {
        Receiver(AsyncContext async, ServletInputStream in, HttpServletResponse response) {
            this(async, in, response, new ByteArrayOutputStream());
        }

        @Override
        public void onDataAvailable() throws IOException {
            var buffer = new byte[16 * 1024];
            while (in.isReady() && !in.isFinished()) {
                int n = in.read(buffer);
                if (n > 0) {
                    body.write(buffer, 0, n);
                }
            }
        }

        @Override
        public void onAllDataRead() throws IOException {
            response.setContentType("application/json");
            response.getWriter()
                    .print("{\"node\":\"" + NODE + "\",\"size\":" + body.size() + ",\"sha256\":\""
                            + sha256(new ByteArrayInputStream(body.toByteArray())) + "\"}");
            async.complete();
        }

        @Override
        public void onError(Throwable cause) {
            if (!response.isCommitted()) {
                response.setStatus(400);
            }
            async.complete();
        }
    }

    private static String sha256(InputStream in) throws IOException {
        try (in) {
            return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(in.readAllBytes()));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }
}
