package io.tomcatdrain.sample;

import java.io.IOException;
import java.net.http.HttpResponse;

/** A balancer as far as a node can see it: it probes, and stops choosing the node after some failures. */
final class DemoBalancer implements Runnable {
    private static final int FALL = 3;

    private final DemoClient client;
    private final Screen screen;
    private int failures;

    DemoBalancer(DemoClient client, Screen screen) {
        this.client = client;
        this.screen = screen;
    }

    /** Probes once; called by one thread at a time. */
    @Override
    public void run() {
        try {
            HttpResponse<String> answer = client.probe("/drain/ready");
            if (answer.statusCode() == 200) {
                failures = 0;
            } else if (++failures <= FALL) {
                screen.say("GET  /drain/ready   %d  the balancer's probe, failure %d of %d%s"
                        .formatted(
                                answer.statusCode(),
                                failures,
                                FALL,
                                failures == FALL ? ": it chooses other nodes from now on" : ""));
            }
        } catch (IOException e) {
            failures++; // stopped
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
