package io.tomcatdrain.valve;

import io.tomcatdrain.Drain;
import java.util.function.Supplier;
import org.apache.catalina.Container;
import org.apache.catalina.ContainerEvent;
import org.apache.catalina.ContainerListener;
import org.apache.catalina.Context;
import org.apache.catalina.Lifecycle;
import org.apache.catalina.LifecycleEvent;
import org.apache.catalina.LifecycleListener;
import org.jspecify.annotations.Nullable;

/** Gives every web application below the valve's container its drain, as a servlet-context attribute, before the application starts. */
final class DrainExport implements ContainerListener, LifecycleListener {
    private final Supplier<@Nullable Drain> drain;

    DrainExport(Supplier<@Nullable Drain> drain) {
        this.drain = drain;
    }

    /** Watches a container and all below it, now and later. */
    void watch(Container container) {
        if (container instanceof Context context) {
            context.addLifecycleListener(this);
            if (context.getState().isAvailable()) {
                export(context);
            }
            return;
        }
        container.addContainerListener(this);
        for (Container child : container.findChildren()) {
            watch(child);
        }
    }

    /** Stops watching. */
    void unwatch(Container container) {
        container.removeLifecycleListener(this);
        container.removeContainerListener(this);
        for (Container child : container.findChildren()) {
            unwatch(child);
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

    @Override
    public void lifecycleEvent(LifecycleEvent event) {
        if (Lifecycle.CONFIGURE_START_EVENT.equals(event.getType())
                && event.getLifecycle() instanceof Context context) {
            export(context);
        }
    }

    private void export(Context context) {
        Drain live = drain.get();
        if (live != null) {
            context.getServletContext().setAttribute(Drain.ATTRIBUTE, live);
        }
    }
}
