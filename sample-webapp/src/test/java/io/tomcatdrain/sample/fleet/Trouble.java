package io.tomcatdrain.sample.fleet;

import io.tomcatdrain.testkit.fleet.Exchange;
import io.tomcatdrain.testkit.fleet.TomcatNode;
import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;

/** What befalls a node or its front end while the node goes. */
enum Trouble {
    /** Nothing but the faulty clients. */
    NONE,
    /** The node's process is stopped and goes on ({@code kill -STOP}, {@code -CONT}), once in each phase. */
    FREEZE,
    /** The front end reads its configuration again, once in each phase. */
    RELOAD,
    /** Both at once. */
    FREEZE_AND_RELOAD,
    /** The node's wall clock jumps ahead, and back behind where it was. */
    CLOCK;

    private static final Pattern STATE = Pattern.compile("\"state\":\"([A-Z_]+)\"");
    private static final Duration STEP = Duration.ofMillis(50);

    /** How the trouble is made. */
    interface Maker {
        /** Whether the stop has begun: it need not do so at once. */
        boolean hasBegun() throws IOException;

        void signal(String name);

        /** For how long the node's process is stopped. */
        Duration frozen();

        void reload();

        /** Moves the node's wall clock by so many seconds. */
        void jump(int seconds);
    }

    /** One stop, which the trouble accompanies on a thread of its own; it ends when closed. */
    static final class Watch implements AutoCloseable {
        private final Trouble trouble;
        private final TomcatNode node;
        private final boolean drains;
        private final Maker maker;
        private final CountDownLatch end = new CountDownLatch(1);
        private final Thread thread;
        private volatile long begunNanos = Long.MAX_VALUE;

        private Watch(Trouble trouble, TomcatNode node, boolean drains, Maker maker) {
            this.trouble = trouble;
            this.node = node;
            this.drains = drains;
            this.maker = maker;
            this.thread = new Thread(this::run, trouble + " of " + node.name());
            thread.setDaemon(true);
            thread.start();
        }

        /** When the stop was seen to have begun; the time of the call where it was not seen. */
        long begunNanos() {
            return Math.min(begunNanos, System.nanoTime());
        }

        @Override
        public void close() {
            end.countDown();
            try {
                thread.join(TimeUnit.SECONDS.toMillis(30));
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
        }

        private void run() {
            try {
                awaitBegin();
                begunNanos = System.nanoTime();
                strike(1);
                if (drains && isIn("LAME_DUCK")) {
                    awaitEndOf("LAME_DUCK");
                    if (end.getCount() > 0) {
                        strike(-1);
                    }
                }
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }

        private void strike(int direction) throws InterruptedException {
            switch (trouble) {
                case NONE -> {}
                case FREEZE -> freeze();
                case RELOAD -> maker.reload();
                case FREEZE_AND_RELOAD -> {
                    maker.reload();
                    freeze();
                }
                // Ahead by less than connectionTimeout: Tomcat measures by that clock how long a client has sent
                // nothing.
                case CLOCK -> maker.jump(direction > 0 ? 15 : -600);
            }
        }

        private void freeze() throws InterruptedException {
            maker.signal("STOP");
            try {
                var unused = end.await(maker.frozen().toMillis(), TimeUnit.MILLISECONDS);
            } finally {
                maker.signal("CONT");
            }
        }

        private void awaitBegin() throws InterruptedException {
            do {
                try {
                    if (maker.hasBegun()) {
                        return;
                    }
                } catch (IOException notYet) {
                    // It does not answer yet.
                }
            } while (!end.await(STEP.toMillis(), TimeUnit.MILLISECONDS));
        }

        private void awaitEndOf(String state) throws InterruptedException {
            while (isIn(state) && !end.await(STEP.toMillis(), TimeUnit.MILLISECONDS)) {
                // looks again
            }
        }

        private boolean isIn(String state) {
            try {
                return state(node).equals(state);
            } catch (IOException away) {
                return false;
            }
        }
    }

    /** The state of a node that has the valve. Not its readiness: a client that polls that is a prober for which a drain waits. */
    static String state(TomcatNode node) throws IOException {
        var status = Exchange.get(node.controlPort(), "/drain", "Authorization: Bearer " + TomcatNode.TOKEN + "\r\n");
        var matcher = STATE.matcher(status.body());
        if (!matcher.find()) {
            throw new IOException("no state in: " + status);
        }
        return matcher.group(1);
    }

    Watch over(TomcatNode node, boolean drains, Maker maker) {
        return new Watch(this, node, drains, maker);
    }
}
