package io.tomcatdrain;

import java.time.Duration;
import java.util.concurrent.CompletableFuture;

/**
 * The drain that applications are given: passes on what {@link Drain} offers, and hides the object behind it, whose other methods would
 * let one application take the whole node down.
 */
final class ApplicationDrain implements Drain {
    private final Drain node;

    ApplicationDrain(Drain node) {
        this.node = node;
    }

    @Override
    public String name() {
        return node.name();
    }

    @Override
    public DrainSettings settings() {
        return node.settings();
    }

    @Override
    public Hold hold(String what) {
        return node.hold(what);
    }

    @Override
    public CompletableFuture<DrainReport> start(String reason, DrainLimits limits) {
        return node.start(reason, limits);
    }

    @Override
    public void resume() {
        node.resume();
    }

    @Override
    public DrainState state() {
        return node.state();
    }

    @Override
    public boolean isReady() {
        return node.isReady();
    }

    @Override
    public DrainStatus status() {
        return node.status();
    }

    @Override
    public DrainStatus summary() {
        return node.summary();
    }

    @Override
    public DrainListener.Registration onStateChange(DrainListener listener) {
        return node.onStateChange(listener);
    }

    @Override
    public boolean awaitOver(Duration timeout) throws InterruptedException {
        return node.awaitOver(timeout);
    }
}
