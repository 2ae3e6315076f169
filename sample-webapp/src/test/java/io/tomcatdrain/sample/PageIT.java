package io.tomcatdrain.sample;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.fail;
import static org.junit.jupiter.api.Assumptions.abort;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.openqa.selenium.By;
import org.openqa.selenium.Keys;
import org.openqa.selenium.WebElement;
import org.openqa.selenium.interactions.Actions;

/**
 * The sample's page in a browser: uploads through a drain, watches it, steers it, and is fit to be used by everybody. One server for all;
 * each test leaves it serving, but the last one, which stops it.
 */
@Timeout(600)
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
@Tag("after-fleets")
class PageIT {
    /**
     * What the browser notes of answers that the test wanted: a refusal, which Tomcat may cut a large body short with, and a wrong
     * token.
     */
    private static final String WANTED = ".* - Failed to load resource: (net::ERR_CONNECTION_(RESET|ABORTED)"
            + "|the server responded with a status of (503|401) .*)";

    private static final Path SCREENSHOTS = Path.of("target", "screenshots");
    private static final int PHONE = 360;

    @TempDir
    static Path directory;

    private static final int SLOW = 20_000;

    private static Browser browser;
    private static Path file;
    private static SampleProcess sample;
    private static NodeClient node;

    @BeforeAll
    static void startBrowserAndServer() throws IOException {
        Browser.missing().ifPresent(missing -> {
            if ("true".equals(System.getenv("CI"))) {
                fail("CI=true skips nothing, but: " + missing);
            }
            abort("skipped: " + missing);
        });
        sample = SampleProcess.start("--port", "0", "--token", NodeClient.TOKEN, "--lame-duck", "10s");
        browser = new Browser(Files.createDirectory(directory.resolve("profile")));
        node = new NodeClient(sample);
        file = Files.write(directory.resolve("holiday.bin"), new byte[3_000_000]);
    }

    @AfterAll
    static void stopBoth() {
        if (browser != null) {
            browser.close();
        }
        if (sample != null) {
            sample.close();
        }
    }

    @BeforeEach
    void openThePage() throws Exception {
        browser.driver().get("about:blank"); // the page of the test before was still looking for its server
        browser.console();
        node.control("DELETE", "/drain");
        browser.bytesPerSecond(-1);
        browser.width(1200);
        browser.driver().get(node.root().toString());
        await().until(() -> browser.element("line").isDisplayed()); // the page knows where it is
    }

    /** By tus-js-client; between two of its requests nothing is in flight. */
    @Test
    void aFileOfSeveralRequestsOutlivesADrain() {
        watch(NodeClient.TOKEN);
        awaitState("serving");
        browser.bytesPerSecond(SLOW);
        browser.element("large").sendKeys(file.toString());
        browser.element("send-large").click();
        await().until(() -> browser.text("files").contains("of 3.0 MB"));
        assertThat(browser.text("files")).contains("/files");

        browser.element("drain").click();
        awaitState("draining");
        assertThat(browser.all("#sent .card.good")).isEmpty();
        browser.bytesPerSecond(-1);
        await().until(() -> browser.all("#sent .card.good").size() == 1);
        assertThat(browser.all("#sent .card").get(0).getText()).contains("holiday.bin", "Arrived complete.");
        await().until(() -> browser.text("state").equals("drained"));
    }

    /** What is given up is said to be, and no bar moves for it. The client sends nothing while numbers are compared. */
    @Test
    void anExpiredDrainShowsWhatWasGivenUp() throws Exception {
        assertThat(browser.element("try").isDisplayed()).isTrue();
        watch(NodeClient.TOKEN);
        awaitState("serving");
        try (var upload = new DripUpload(node.root().getPort())) {
            upload.sendUpTo(100_000);
            awaitAgreement("serving");
            node.control("POST", "/drain");
            awaitState("draining");
            awaitAgreement("draining");
            node.control("POST", "/drain?timeout=100ms");
            awaitState("expired");
            awaitAgreement("expired");
            showsThatItWasGivenUp();
        }
        await().until(() -> browser.text("inflight-none").equals("None."));
    }

    private void showsThatItWasGivenUp() {
        await().until(() -> browser.text("inflight").contains("Given up: nothing waits for it any more."));
        assertThat(browser.all("#inflight progress")).noneMatch(WebElement::isDisplayed);
        assertThat(browser.text("estimate")).isEmpty();
        assertThat(browser.text("report-outcome")).isEqualTo("expired");
        assertThat(browser.text("report-abandoned")).isEqualTo("1");

        browser.element("resume").click();
        awaitState("serving");
        assertThat(browser.all("#inflight progress")).allMatch(WebElement::isDisplayed);
        browser.element("drain").click();
        awaitState("lame duck");
        assertThat(browser.element("report").isDisplayed())
                .as("the report of a drain that is over says nothing of the one that runs")
                .isFalse();
    }

    @Test
    void anUploadOutlivesADrainThatRefusesTheNext() throws Exception {
        long completed = node.status().at("/totals/uploadsCompleted").asLong();
        String first = browser.driver().getWindowHandle();
        watch(NodeClient.TOKEN);
        awaitState("serving");
        assertThat(browser.element("drain").getAttribute("aria-disabled")).isEqualTo("false");
        assertThat(browser.element("resume").getAttribute("aria-disabled")).isEqualTo("true");
        browser.run(
                "window.announced = [];"
                        + "new MutationObserver(() => window.announced.push(document.getElementById('announce').textContent))"
                        + ".observe(document.getElementById('announce'), {childList: true, characterData: true, subtree: true})");

        String second = browser.openAnother(node.root());
        browser.driver().switchTo().window(first);

        browser.bytesPerSecond(SLOW);
        fillInAndSend("Slow but sure");
        await().until(() -> !browser.all("#inflight .card").isEmpty());
        lookFromAllSides("1-serving");

        browser.element("drain").click();
        awaitState("lame duck");
        await().until(() -> browser.text("lame-duck").matches("(?s).*s so far, at most \\d+ s more.*"));
        assertThat(browser.text("draining")).contains("comes next, for at most 10 min");
        lookFromAllSides("2-lame-duck");

        awaitState("draining");
        assertThat(browser.text("lame-duck")).containsPattern("took \\d+\\.\\d s");
        await().until(() -> browser.text("draining").matches("(?s).*s so far, at most (10|9) min more.*"));
        assertThat(browser.text("report")).isEmpty();
        assertThat(browser.text("sent-hint")).startsWith("What this browser has sent.");
        assertThat(browser.text("inflight-hint")).startsWith("What this node has received");
        lookFromAllSides("3-draining");

        browser.driver().switchTo().window(second);
        browser.element("comment").sendKeys("this must not be lost");
        fillInAndSend("Too late");
        WebElement refused = browser.all("#sent .card").get(0);
        await().until(() -> refused.getText().contains("try again now"));
        assertThat(refused.getText())
                .contains("This server is being upgraded and takes no new uploads. Nothing is lost: your form is kept")
                .contains("Try again");
        assertThat(browser.element("title").getAttribute("value")).isEqualTo("Too late");
        assertThat(browser.element("comment").getAttribute("value")).isEqualTo("this must not be lost");
        assertThat(browser.element("file").getAttribute("value")).endsWith("holiday.bin");
        lookFromAllSides("4-refused");

        browser.driver().switchTo().window(first);
        browser.bytesPerSecond(-1);
        await().until(() -> browser.all("#sent .card.good").size() == 1);
        assertThat(browser.all("#sent .card").get(0).getText())
                .contains("Slow but sure")
                .contains("Arrived complete: 3.0 MB, SHA-256 checked.");
        awaitState("drained");
        JsonNode report = node.status().get("report");
        assertThat(browser.text("report-outcome")).isEqualTo("drained");
        assertThat(browser.text("report-reason")).isEqualTo("sample page");
        assertThat(browser.text("report-finished"))
                .isEqualTo("1")
                .isEqualTo(report.get("finished").asText());
        assertThat(browser.text("report-refused"))
                .isEqualTo(report.get("refused").asText())
                .isNotEqualTo("0");
        assertThat(browser.text("report-abandoned")).isEqualTo("0");
        assertThat(browser.text("inflight-none")).isEqualTo("None.");
        awaitAgreement("drained");
        lookFromAllSides("5-drained");

        browser.element("resume").click();
        awaitState("serving");
        awaitAgreement("serving");
        browser.driver().switchTo().window(second);
        refused.findElement(By.cssSelector(".again")).click();
        await().until(() -> browser.all("#sent .card.good").size() == 1);
        assertConsoleIsQuiet();
        browser.driver().close();
        browser.driver().switchTo().window(first);
        await().until(() -> numbersOfThePage().get("totals.uploadsCompleted").equals(completed + 2));

        assertThat((List<?>) browser.run("return window.announced.filter(text => text.startsWith('This node'))"))
                .as("told to those who listen: each state once, and no progress")
                .hasSize(4);
        assertThat((List<?>) browser.run("return window.announced")).hasSizeLessThanOrEqualTo(8);
        assertConsoleIsQuiet();
    }

    @Test
    void keepsTheTokenInMemoryOnly() {
        watch("a-token-that-is-wrong");
        await().until(() -> browser.text("trouble").equals("The server does not know this token."));
        assertThat(browser.driver().switchTo().activeElement().getAttribute("id"))
                .isEqualTo("token");
        assertThat(browser.element("token").getAttribute("aria-invalid")).isEqualTo("true");

        watch(NodeClient.TOKEN);
        awaitState("serving");
        assertThat(browser.text("trouble")).isEmpty();
        assertThat(browser.driver().switchTo().activeElement().getAttribute("id"))
                .isEqualTo("panel-title");
        assertThat(browser.run("return JSON.stringify([location.href, document.cookie, {...localStorage},"
                        + " {...sessionStorage}, document.documentElement.outerHTML,"
                        + " [...document.querySelectorAll('input')].map(input => input.value)])"))
                .asString()
                .contains("http")
                .doesNotContain(NodeClient.TOKEN);

        browser.element("forget").click();
        assertThat(browser.element("panel").isDisplayed()).isFalse();
        assertThat(browser.driver().switchTo().activeElement().getAttribute("id"))
                .isEqualTo("token");
        assertConsoleIsQuiet();
    }

    @Test
    void asksNowAndThenWhereAllStreamsAreTaken() throws Exception {
        List<InputStream> streams = new ArrayList<>();
        try {
            int status = 200;
            while (status == 200) {
                var answer = node.listen();
                streams.add(answer.body());
                status = answer.statusCode();
            }
            watch(NodeClient.TOKEN);
            awaitState("serving");
            node.control("POST", "/drain");
            awaitState("lame duck");
            node.control("DELETE", "/drain");
            awaitState("serving");
        } finally {
            for (InputStream stream : streams) {
                stream.close();
            }
        }
        assertThat(browser.console()).anyMatch(line -> line.contains("429"));
        await().until(() -> {
            node.control("POST", "/drain"); // the server finds out by writing that a stream is closed
            node.control("DELETE", "/drain");
            try (InputStream stream = node.listen().body()) {
                return stream.read() == 'e';
            }
        });
    }

    @Test
    @Order(Integer.MAX_VALUE)
    void offersNoWayBackFromAStopAndThenSaysThatItKnowsNoMore() throws Exception {
        watch(NodeClient.TOKEN);
        awaitState("serving");
        try (var upload = new DripUpload(node.root().getPort())) {
            upload.sendUpTo(100_000);
            await().until(() -> !browser.all("#inflight .card").isEmpty());
            sample.terminate();
            await().untilAsserted(() ->
                    assertThat(browser.text("panel")).contains("It cannot be resumed: it is being stopped"));
            assertThat(browser.element("resume").getAttribute("aria-disabled")).isEqualTo("true");
        }
        assertThat(sample.exitStatus()).isEqualTo(128 + 15);

        await().until(() -> browser.text("lost").contains("The server does not answer."));
        assertThat(browser.text("lost-text"))
                .contains("Below is what it said at ")
                .endsWith(
                        switch (browser.text("state")) {
                            case "lame duck" -> "what has become of its uploads cannot be seen from here.";
                            case "draining" -> "what has become of the uploads below cannot be seen from here.";
                            default ->
                                "It had answered everything that it had accepted, so it has probably been stopped.";
                        });
        assertThat(browser.element("panel").getAttribute("class")).isEqualTo("stale");
        assertThat(browser.element("resume").getAttribute("aria-disabled")).isEqualTo("true");
        lookFromAllSides("6-silent");
    }

    @Test
    void isUsedWithAKeyboardAlone() {
        List<String> order = new ArrayList<>();
        for (int i = 0; i < 12; i++) {
            new Actions(browser.driver()).sendKeys(Keys.TAB).perform();
            order.add(browser.driver().switchTo().activeElement().getAttribute("id"));
        }
        assertThat(order)
                .containsExactly(
                        "try-title",
                        "title",
                        "category",
                        "comment",
                        "notify",
                        "file",
                        "rate",
                        "send",
                        "token",
                        "watch",
                        "large",
                        "send-large");

        browser.element("token").sendKeys(NodeClient.TOKEN, Keys.ENTER);
        awaitState("serving");
        new Actions(browser.driver()).sendKeys(Keys.TAB).sendKeys(Keys.SPACE).perform();
        awaitState("lame duck");
        assertThat(browser.driver().switchTo().activeElement().getAttribute("id"))
                .as("keeps its place")
                .isEqualTo("drain");
        new Actions(browser.driver()).sendKeys(Keys.TAB).sendKeys(Keys.SPACE).perform();
        awaitState("serving");
        assertConsoleIsQuiet();
    }

    // ---------------------------------------------------------------- steps

    private static void watch(String token) {
        browser.element("token").clear();
        browser.element("token").sendKeys(token, Keys.ENTER);
    }

    private static void fillInAndSend(String title) {
        browser.element("title").clear();
        browser.element("title").sendKeys(title);
        if (browser.element("file").getAttribute("value").isEmpty()) {
            browser.element("file").sendKeys(file.toString());
        }
        browser.run("document.getElementById('rate').value = ''");
        browser.element("send").click();
    }

    private static void awaitState(String state) {
        await().until(() -> browser.text("state"), state::equals);
    }

    /** Waits until page, JSON and Prometheus show the same: each is asked for its own instant. */
    private void awaitAgreement(String state) {
        await().untilAsserted(() -> {
            JsonNode status = node.status();
            Map<String, Object> numbers = NodeClient.numbers(status);
            assertThat(numbersOfThePage()).isEqualTo(numbers);
            assertThat(node.scraped()).isEqualTo(numbers).containsEntry("state", state);
            Map<String, Long> uploads = new TreeMap<>();
            status.get("uploads")
                    .forEach(upload -> uploads.put(
                            upload.get("id").asText(),
                            upload.get("bytesReceived").asLong()));
            assertThat(uploadsOfThePage()).isEqualTo(uploads);
        });
    }

    private static Map<String, Object> numbersOfThePage() {
        Map<String, Object> numbers = new TreeMap<>();
        numbers.put("state", browser.text("state").replace(' ', '_'));
        for (WebElement place : browser.all("[data-number]")) {
            assertThat(place.isDisplayed()).isTrue();
            numbers.put(place.getAttribute("data-number"), Long.valueOf(place.getAttribute("value")));
        }
        return numbers;
    }

    private static Map<String, Long> uploadsOfThePage() {
        Map<String, Long> bytes = new TreeMap<>();
        for (WebElement card : browser.all("#inflight .card")) {
            bytes.put(card.getAttribute("data-upload"), Long.valueOf(card.getAttribute("data-bytes")));
        }
        return bytes;
    }

    // ---------------------------------------------------------------- fit for everybody

    /** Looks in light and dark, on a desk and on a phone, and checks what can be measured. Leaves screenshots. */
    private static void lookFromAllSides(String name) throws IOException {
        for (String colours : new String[] {"light", "dark"}) {
            browser.colours(colours);
            browser.width(1200);
            browser.screenshot(SCREENSHOTS.resolve(name + "-" + colours + ".png"));
            assertThat((List<?>) browser.run(FAINT_TEXTS))
                    .as("contrast below 4.5, %s", colours)
                    .isEmpty();
        }
        browser.colours("light");
        browser.width(PHONE);
        assertThat((Long) browser.run("return document.documentElement.scrollWidth"))
                .as("nothing is to be scrolled sideways on a phone")
                .isLessThanOrEqualTo(PHONE);
        assertThat((List<?>) browser.run(SPILLING)).as("wider than its place").isEmpty();
        browser.screenshot(SCREENSHOTS.resolve(name + "-phone.png"));
        browser.width(1200);
        assertThat((List<?>) browser.run(NAMELESS)).as("without a name").isEmpty();
    }

    private static void assertConsoleIsQuiet() {
        assertThat(browser.console()).allMatch(line -> line.matches(WANTED));
    }

    private static final String NAMELESS = """
            return [...document.querySelectorAll('input, select, textarea, button, progress')]
              .filter(part => !(part.labels?.length || part.textContent.trim() || part.getAttribute('aria-label')))
              .map(part => part.outerHTML);
            """;

    private static final String SPILLING = """
            return [...document.querySelectorAll('section')].flatMap(section => {
              const edge = section.getBoundingClientRect().right - parseFloat(getComputedStyle(section).paddingRight);
              return [...section.querySelectorAll('*')]
                .filter(part => part.checkVisibility() && part.getBoundingClientRect().right > edge + 0.5)
                .map(part => part.outerHTML);
            });
            """;

    /** The texts whose colour differs too little from what is behind them. */
    private static final String FAINT_TEXTS = """
            const rgb = text => (text.match(/[\\d.]+/g) ?? []).map(Number);
            const light = ([r, g, b]) => [r, g, b].map(v => v / 255)
              .map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
              .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
            const behind = part => {
              for (let at = part; at; at = at.parentElement) {
                const colour = rgb(getComputedStyle(at).backgroundColor);
                if (colour.length === 3) return colour;
              }
              return rgb(getComputedStyle(document.body).backgroundColor);
            };
            return [...document.body.querySelectorAll('*')]
              .filter(part => part.checkVisibility() && !part.closest('.unseen, option')
                && [...part.childNodes].some(node => node.nodeType === Node.TEXT_NODE && node.data.trim()))
              .map(part => {
                const [a, b] = [light(rgb(getComputedStyle(part).color)), light(behind(part))];
                return [(Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05), part.outerHTML];
              })
              .filter(([contrast]) => contrast < 4.5);
            """;
}
