package io.tomcatdrain.sample;

import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.logging.Level;
import java.util.logging.Logger;
import java.util.stream.Stream;
import org.openqa.selenium.By;
import org.openqa.selenium.OutputType;
import org.openqa.selenium.WebElement;
import org.openqa.selenium.WindowType;
import org.openqa.selenium.chrome.ChromeDriver;
import org.openqa.selenium.chrome.ChromeDriverService;
import org.openqa.selenium.chrome.ChromeOptions;
import org.openqa.selenium.logging.LogEntry;
import org.openqa.selenium.logging.LogType;
import org.openqa.selenium.logging.LoggingPreferences;

/** Chromium without a screen, with a profile of its own. */
public final class Browser implements AutoCloseable {
    /** Held, since loggers are not; there is no CDP class for a browser newer than Selenium, and none is used. */
    private static final Logger CDP_LOG = Logger.getLogger("org.openqa.selenium.devtools.CdpVersionFinder");

    private static final List<String> PROGRAMS = List.of("chromium", "chromedriver");

    private final ChromeDriver driver;

    public Browser(Path profile) {
        CDP_LOG.setLevel(Level.SEVERE);
        var options = new ChromeOptions();
        options.setBinary(find("chromium").orElseThrow().toFile());
        options.addArguments(
                "--headless=new",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-quic",
                "--no-first-run",
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-sync",
                "--disable-dev-shm-usage",
                "--lang=en-GB",
                "--user-data-dir=" + profile);
        var logs = new LoggingPreferences();
        logs.enable(LogType.BROWSER, Level.ALL);
        options.setCapability("goog:loggingPrefs", logs);
        var service = new ChromeDriverService.Builder()
                .usingDriverExecutable(find("chromedriver").orElseThrow().toFile())
                .usingAnyFreePort()
                .build();
        driver = new ChromeDriver(service, options);
        driver.manage().timeouts().scriptTimeout(Duration.ofMinutes(1));
    }

    /** What is not installed, and how to install it; empty when a browser can be started. */
    public static Optional<String> missing() {
        return PROGRAMS.stream().allMatch(program -> find(program).isPresent())
                ? Optional.empty()
                : Optional.of("Chromium not installed (apt-get install chromium chromium-driver)");
    }

    private static Optional<Path> find(String program) {
        return Stream.of(System.getenv().getOrDefault("PATH", "").split(":"))
                .map(directory -> Path.of(directory, program))
                .filter(Files::isExecutable)
                .findFirst();
    }

    public ChromeDriver driver() {
        return driver;
    }

    /** Opens an address in another tab, which the commands that follow go to, and returns its handle. */
    String openAnother(URI address) {
        driver.switchTo().newWindow(WindowType.TAB);
        driver.get(address.toString());
        return driver.getWindowHandle();
    }

    WebElement element(String id) {
        return driver.findElement(By.id(id));
    }

    List<WebElement> all(String selector) {
        return driver.findElements(By.cssSelector(selector));
    }

    /** The text of an element as it can be seen; empty where it is hidden. */
    String text(String id) {
        return element(id).getText();
    }

    /** The text as it stands in the document, seen or not. */
    String content(String id) {
        return (String) run("return document.getElementById(arguments[0]).textContent", id);
    }

    Object run(String script, Object... arguments) {
        return driver.executeScript(script, arguments);
    }

    /** Sends what the page in this window begins to send no faster than so; −1 for no limit, for what is under way too. */
    void bytesPerSecond(long limit) {
        command("Network.enable", Map.of());
        command(
                "Network.emulateNetworkConditions",
                Map.of("offline", false, "latency", 0, "downloadThroughput", -1, "uploadThroughput", limit));
    }

    void colours(String scheme) {
        command(
                "Emulation.setEmulatedMedia",
                Map.of("features", List.of(Map.of("name", "prefers-color-scheme", "value", scheme))));
    }

    void width(int pixels) {
        size(pixels, 800);
    }

    private void size(long width, long height) {
        command(
                "Emulation.setDeviceMetricsOverride",
                Map.of("width", width, "height", height, "deviceScaleFactor", 1, "mobile", width < 600));
    }

    private void command(String name, Map<String, Object> parameters) {
        driver.executeCdpCommand(name, parameters);
    }

    /** Writes what the page looks like, all of it. */
    void screenshot(Path file) throws IOException {
        Files.createDirectories(file.getParent());
        size((Long) run("return innerWidth"), (Long) run("return document.documentElement.scrollHeight"));
        Files.write(file, driver.getScreenshotAs(OutputType.BYTES));
    }

    /** What the console was told since the last time. */
    List<String> console() {
        return driver.manage().logs().get(LogType.BROWSER).getAll().stream()
                .map(LogEntry::getMessage)
                .toList();
    }

    @Override
    public void close() {
        driver.quit();
    }
}
