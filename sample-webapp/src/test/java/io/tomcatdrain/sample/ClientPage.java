package io.tomcatdrain.sample;

import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;

/**
 * A page that sends a file by each of the clients that people use, as npm delivers them: tus-js-client, FilePond, Resumable.js and blueimp's jQuery File Upload. Its
 * server is {@link io.tomcatdrain.testkit.ResumableUploads}.
 */
public final class ClientPage {
    private static final Duration LIMIT = Duration.ofMinutes(3);
    private static final int CLIENTS = 4;

    private final Browser browser;

    /** Opens the page. */
    public ClientPage(Browser browser, URI address) {
        this.browser = browser;
        browser.driver().get(address.toString());
    }

    /** Writes the page, called {@code clients.html}, to the root of a web application. */
    public static void write(Path application) {
        try {
            Files.createDirectories(application.resolve("vendor"));
            for (var name : List.of(
                    "clients.html",
                    "clients.js",
                    "vendor/filepond.min.js",
                    "vendor/resumable.js",
                    "vendor/jquery.min.js",
                    "vendor/jquery.ui.widget.js",
                    "vendor/jquery.fileupload.js")) {
                try (var in = ClientPage.class.getResourceAsStream("/clients/" + name)) {
                    Files.copy(in, application.resolve(name));
                }
            }
            Files.copy(Path.of("src/main/webapp/vendor/tus.min.js"), application.resolve("vendor/tus.min.js"));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Begins to send a file by each client, at so many bytes in a second altogether, and to read pages beside that. */
    public void send(int size, int part, long bytesPerSecond) {
        browser.bytesPerSecond(bytesPerSecond);
        browser.run("sendAll(arguments[0], arguments[1])", size, part);
    }

    /** Waits for what the clients say of their files. */
    public void awaitAnswers() {
        await("the clients").atMost(LIMIT).until(() -> number("results.length") == CLIENTS);
    }

    /** How many pages the browser has read while it sent. */
    public int pages() {
        return number("pages");
    }

    /** What was lost: files, pages, and files that had to begin again from byte 0. */
    public String losses() {
        var faults = new StringBuilder();
        for (var result : (List<?>) browser.run("return results.filter(result => !result.ok)")) {
            faults.append(result).append('\n');
        }
        ((Map<?, ?>) browser.run("return begun")).forEach((client, times) -> {
            if (((Number) times).intValue() != 1) {
                faults.append(client).append(" began its file ").append(times).append(" times\n");
            }
        });
        if (number("whole.size") != CLIENTS) {
            faults.append("only ").append(number("whole.size")).append(" files are whole on their servers\n");
        }
        if (number("lostPages") > 0) {
            faults.append(number("lostPages")).append(" pages were lost\n");
        }
        return faults.isEmpty() ? "" : faults + String.valueOf(browser.run("return failures.slice(0, 20)"));
    }

    private int number(String expression) {
        return ((Number) browser.run("return " + expression)).intValue();
    }
}
