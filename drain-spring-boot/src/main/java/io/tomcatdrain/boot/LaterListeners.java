package io.tomcatdrain.boot;

import java.util.LinkedHashSet;
import java.util.Set;
import org.apache.commons.logging.Log;
import org.apache.commons.logging.LogFactory;
import org.jspecify.annotations.Nullable;
import org.springframework.context.ApplicationListener;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.context.event.ApplicationEventMulticaster;
import org.springframework.context.event.ContextClosedEvent;
import org.springframework.context.support.AbstractApplicationContext;
import org.springframework.core.ResolvableType;

/**
 * Spring's own listeners to the close of a context. They take away what requests in flight still need (task executors and schedulers take
 * no more work, connection factories make no more connections), and are called behind the drain; the application's own are called before it
 * ends, so that they can complete what would hold it. No order that a listener can ask for lies between the two. Confined to the thread
 * that starts or closes the context.
 */
final class LaterListeners {
    private static final Log LOG = LogFactory.getLog(LaterListeners.class);

    private static final String SPRINGS = "org.springframework.";

    private final Set<ApplicationListener<ContextClosedEvent>> listeners = new LinkedHashSet<>();

    /** Takes those that are there now out of the order of a context's listeners. */
    void takeFrom(ConfigurableApplicationContext context) {
        var beans = context.getBeanFactory();
        var multicaster = beans.getBean(
                AbstractApplicationContext.APPLICATION_EVENT_MULTICASTER_BEAN_NAME, ApplicationEventMulticaster.class);
        multicaster.removeApplicationListeners(this::take);
        // Each is known by its name, too, if it is a bean.
        multicaster.removeApplicationListenerBeans(
                name -> beans.containsSingleton(name) && isLater(beans.getType(name, false)));
    }

    @SuppressWarnings("unchecked") // as its type says
    private boolean take(ApplicationListener<?> listener) {
        if (!isLater(listener.getClass())) {
            return false;
        }
        listeners.add((ApplicationListener<ContextClosedEvent>) listener);
        return true;
    }

    /** Returns true for a listener of Spring's to nothing but this event: others need their other events in time. */
    private static boolean isLater(@Nullable Class<?> type) {
        return type != null
                && type.getName().startsWith(SPRINGS)
                && ResolvableType.forClass(type).as(ApplicationListener.class).resolveGeneric(0)
                        == ContextClosedEvent.class;
    }

    /** Calls all of them, whatever one of them throws. */
    void tell(ContextClosedEvent event) {
        for (ApplicationListener<ContextClosedEvent> listener : listeners) {
            try {
                listener.onApplicationEvent(event);
            } catch (RuntimeException fault) {
                LOG.warn("A listener to the close of the application context failed", fault);
            }
        }
    }
}
