package io.tomcatdrain.valve;

import io.tomcatdrain.Drain;
import jakarta.servlet.ServletContext;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.apache.catalina.Container;
import org.apache.catalina.ContainerEvent;
import org.apache.catalina.ContainerListener;
import org.apache.catalina.Context;
import org.apache.catalina.Lifecycle;
import org.apache.catalina.LifecycleEvent;
import org.apache.catalina.LifecycleListener;
import org.jspecify.annotations.Nullable;

/**
 * Stands by every web application below the valve's container: gives it the drain as a servlet-context attribute before it starts, or
 * when the valve does, and lets it stop alone without losing its uploads.
 */
final class ApplicationWatch implements ContainerListener {
    private final Supplier<@Nullable ValveRuntime> serving;

    /** Without a name, as {@link StopHook}'s: StoreConfig passes over it. */
    private final LifecycleListener contextWatch = this::contextEvent;

    ApplicationWatch(Supplier<@Nullable ValveRuntime> serving) {
        this.serving = serving;
    }

    /** Watches a container and all below it, now and later. */
    void watch(Container container) {
        if (container instanceof Context) {
            container.addLifecycleListener(contextWatch);
            export(container);
            return;
        }
        container.addContainerListener(this);
        for (Container child : container.findChildren()) {
            watch(child);
        }
    }

    /** Stops watching. */
    void unwatch(Container container) {
        container.removeLifecycleListener(contextWatch);
        container.removeContainerListener(this);
        for (Container child : container.findChildren()) {
            unwatch(child);
        }
    }

    /** Gives the drain, if there is one, to the applications that run already. */
    void export(Container container) {
        forEachRunning(container, this::exportTo);
    }

    /** Takes a drain that ends from applications that go on without it. */
    void withdraw(Container container, @Nullable Drain drain) {
        forEachRunning(container, context -> {
            ServletContext application = context.getServletContext();
            if (drain != null && application.getAttribute(Drain.ATTRIBUTE) == drain) {
                application.removeAttribute(Drain.ATTRIBUTE);
            }
        });
    }

    private static void forEachRunning(Container container, Consumer<Context> action) {
        if (container instanceof Context context) {
            if (context.getState().isAvailable()) {
                action.accept(context);
            }
            return;
        }
        for (Container child : container.findChildren()) {
            forEachRunning(child, action);
        }
    }

    @Override
    public void containerEvent(ContainerEvent event) {
        if (Container.ADD_CHILD_EVENT.equals(event.getType()) && event.getData() instanceof Container child) {
            watch(child);
        } else if (Container.REMOVE_CHILD_EVENT.equals(event.getType()) && event.getData() instanceof Container child) {
            unwatch(child);
        }
    }

    private void contextEvent(LifecycleEvent event) {
        if (!(event.getLifecycle() instanceof Context context)) {
            return;
        }
        ValveRuntime current = serving.get();
        switch (event.getType()) {
            case Lifecycle.CONFIGURE_START_EVENT -> exportTo(context);
            case Lifecycle.BEFORE_STOP_EVENT -> {
                if (current != null) {
                    current.stops.begin(context);
                }
            }
            // A stop that fails has no AFTER_STOP.
            case Lifecycle.AFTER_STOP_EVENT, Lifecycle.AFTER_DESTROY_EVENT -> {
                if (current != null) {
                    current.stops.end(context);
                }
            }
            default -> {}
        }
    }

    private void exportTo(Context context) {
        ValveRuntime current = serving.get();
        if (current != null) {
            current.warnIfHidden(context);
            context.getServletContext().setAttribute(Drain.ATTRIBUTE, current.drain.forApplications());
        }
    }
}
