package io.tomcatdrain.http;

import io.tomcatdrain.DrainSettings;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.concurrent.ThreadLocalRandom;

/**
 * The answer to a request that a leaving node does not take: it says when to try again, and that nothing was read or done, so that
 * a front end can replay it. Immutable and thread-safe; made once, written often.
 */
final class Refusal {
    private static final String HTML = """
            <!DOCTYPE html>
            <html lang="en">
            <head>
            <meta charset="utf-8">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <meta name="color-scheme" content="light dark">
            <title>Please try again in a moment</title>
            <style>body{font:1.1rem/1.5 system-ui,sans-serif;max-width:36rem;margin:15vh auto;padding:0 1rem}</style>
            </head>
            <body>
            <main>
            <h1>Please try again in a moment</h1>
            <p>This server is going down for maintenance and takes no new requests.
            Yours was not processed: nothing was saved, and nothing was done twice.</p>
            <p>Load this page again in {when}. If you were sending something, go back to the page that you
            came from, and send it again.</p>
            </main>
            </body>
            </html>
            """;

    private static final String PROBLEM = """
            {"type":"about:blank","title":"{title}","status":{status},"detail":"This server is going down for maintenance and takes no new requests. Nothing of this one was read or done. Send it again.","retryAfterSeconds":{seconds}}
            """;

    private static final String TEXT = """
            This server is going down for maintenance and takes no new requests.
            Nothing of this one was read or done. Send it again in {when}.
            """;

    /** Into how many different waits the clients are spread at most, so that few texts are kept. */
    private static final int MOST_WAITS = 16;

    private final int status;
    private final DrainSettings settings;
    private final Wait[] waits;

    /** One answer: when to come again, in each of its forms. */
    private record Wait(String seconds, Body html, Body problem, Body text) {}

    /** One form of the answer, ready to be written. */
    private static final class Body {
        private final String contentType;
        private final byte[] bytes;

        Body(String contentType, String text) {
            this.contentType = contentType;
            this.bytes = text.getBytes(StandardCharsets.UTF_8);
        }
    }

    /** Makes the answer that the settings ask for. */
    Refusal(DrainSettings settings) {
        this.status = settings.refusalStatus();
        this.settings = settings;
        long least = Long.parseLong(wholeSeconds(settings.retryAfter()));
        long more = least / 5;
        this.waits = new Wait[(int) Math.min(more + 1, MOST_WAITS)];
        for (int i = 0; i < waits.length; i++) {
            waits[i] = waitOf(least + (i == 0 ? 0 : more * i / (waits.length - 1)));
        }
    }

    private Wait waitOf(long wait) {
        String seconds = Long.toString(wait);
        String when = switch (seconds) {
            case "0" -> "a moment";
            case "1" -> "1 second";
            default -> seconds + " seconds";
        };
        return new Wait(
                seconds,
                body("text/html;charset=UTF-8", "refusal.html", HTML, when, seconds),
                body("application/problem+json", "refusal.json", PROBLEM.strip(), when, seconds),
                body("text/plain;charset=UTF-8", "refusal.txt", TEXT, when, seconds));
    }

    /** Returns one form, in the site's own words if it has given any. */
    private Body body(String contentType, String file, String builtIn, String when, String seconds) {
        String words = settings.refusalPages().getOrDefault(file, builtIn);
        return new Body(
                contentType,
                words.replace("{when}", when)
                        .replace("{title}", title(status))
                        .replace("{status}", Integer.toString(status))
                        .replace("{seconds}", seconds));
    }

    /**
     * Writes the answer, in the form that the client prefers, without touching the request's body or parameters. It asks the client to
     * come again up to a fifth later than the setting says, at random, so that those who are refused at once do not come back at once.
     *
     * <p>A script of another origin may read the answer: it holds nothing that is not meant for all, and without permission the script
     * would only learn that something has failed (Fetch Standard, CORS protocol).
     *
     * @param closeConnection true to tell the peer that the connection ends with this answer; for HTTP/1.x, and never over AJP
     * @throws IOException if the answer cannot be written
     */
    void write(HttpServletRequest request, HttpServletResponse response, boolean closeConnection) throws IOException {
        Wait wait = waits[waits.length == 1 ? 0 : ThreadLocalRandom.current().nextInt(waits.length)];
        Body body = switch (AcceptHeader.best(request.getHeaders("Accept"))) {
            case HTML -> wait.html;
            case JSON -> wait.problem;
            case TEXT -> wait.text;
        };
        response.setStatus(status);
        response.setHeader("Retry-After", wait.seconds);
        response.setHeader("X-Drain", "refused");
        response.setHeader("Cache-Control", "no-store");
        if (closeConnection) {
            response.setHeader("Connection", "close");
        }
        CrossOrigin.letRead(request, response, "Retry-After, X-Drain");
        response.setContentType(body.contentType);
        response.setContentLength(body.bytes.length);
        if (!"HEAD".equals(request.getMethod())) {
            response.getOutputStream().write(body.bytes);
        }
    }

    /** Returns a duration as {@code Retry-After} wants it: whole seconds, rounded up. */
    static String wholeSeconds(Duration duration) {
        return Long.toString(duration.plusSeconds(1).minusNanos(1).toSeconds());
    }

    /** Returns the reason phrase, which is what a problem without a type of its own has as its title. */
    private static String title(int status) {
        return switch (status) {
            case 429 -> "Too Many Requests";
            case 500 -> "Internal Server Error";
            case 502 -> "Bad Gateway";
            case 503 -> "Service Unavailable";
            case 504 -> "Gateway Timeout";
            default -> "Request Refused";
        };
    }
}
