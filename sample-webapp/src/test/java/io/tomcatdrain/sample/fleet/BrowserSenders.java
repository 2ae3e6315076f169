package io.tomcatdrain.sample.fleet;

import io.tomcatdrain.sample.Browser;
import io.tomcatdrain.sample.ClientPage;
import io.tomcatdrain.testkit.fleet.Parts;
import java.net.URI;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import org.jspecify.annotations.Nullable;

/** A browser that sends file after file by each of the real clients, and is a new visitor with each of them. */
final class BrowserSenders implements AutoCloseable {
    private static final int PART = 32 << 10;
    private static final int SIZE = 20 * PART;
    private static final long BYTES_PER_SECOND = 150_000;
    private static final int CLIENTS = 4;

    private final CountDownLatch end = new CountDownLatch(1);
    private final List<String> losses = new ArrayList<>();
    private @Nullable Thread thread;
    private int files;

    private BrowserSenders() {}

    static BrowserSenders none() {
        return new BrowserSenders();
    }

    static BrowserSenders started(int port) {
        var senders = new BrowserSenders();
        RollingUpgradeIT.needs(Browser.missing());
        var thread = new Thread(() -> senders.send(port), "browser");
        senders.thread = thread;
        thread.start();
        return senders;
    }

    /** How many files it has sent. */
    synchronized int files() {
        return files;
    }

    /** What was lost, or had to begin again from byte 0. */
    synchronized List<String> losses() {
        return List.copyOf(losses);
    }

    private void send(int port) {
        var address = URI.create("http://127.0.0.1:" + port + "/many/clients.html");
        try (var browser = new Browser(Parts.emptied(Parts.work().resolve("profile-" + port)))) {
            while (end.getCount() > 0) {
                browser.driver().manage().deleteAllCookies();
                var page = new ClientPage(browser, address);
                page.send(SIZE, PART, BYTES_PER_SECOND);
                page.awaitAnswers();
                sent(page.losses());
            }
        } catch (RuntimeException failed) {
            sent(failed.toString());
        }
    }

    private synchronized void sent(String lost) {
        files += CLIENTS;
        if (!lost.isEmpty()) {
            losses.add(lost);
        }
    }

    @Override
    public void close() {
        end.countDown();
        if (thread != null) {
            try {
                thread.join();
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
        }
    }
}
