package io.tomcatdrain.boot;

import io.tomcatdrain.Drain;
import io.tomcatdrain.DrainListener;
import io.tomcatdrain.DrainState;
import io.tomcatdrain.valve.DrainValve;
import java.time.Duration;
import java.util.List;
import java.util.function.BiConsumer;
import org.apache.commons.logging.Log;
import org.apache.commons.logging.LogFactory;
import org.springframework.aop.support.AopUtils;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.cloud.client.serviceregistry.Registration;
import org.springframework.cloud.client.serviceregistry.ServiceRegistry;
import org.springframework.core.ResolvableType;

/**
 * Takes the application out of Spring Cloud's service registry when a drain begins, and puts it in again when the drain is undone. Without it
 * the registry's client would leave at the end of the drain, or at its beginning without a lame duck, and callers would be refused meanwhile.
 */
final class CloudRegistry {
    private static final Log LOG = LogFactory.getLog(CloudRegistry.class);

    private final ObjectProvider<ServiceRegistry<?>> registries;
    private final ObjectProvider<Registration> registrations;

    CloudRegistry(ObjectProvider<ServiceRegistry<?>> registries, ObjectProvider<Registration> registrations) {
        this.registries = registries;
        this.registrations = registrations;
    }

    /**
     * Returns what takes the node out of the registry for a valve's drain. Callers know the node for as long as their caches live, and how
     * long that is cannot be known: a lame duck lasts {@code lameDuckTimeout}.
     */
    DrainListener listener(DrainValve valve) {
        return new DrainListener() {
            @Override
            public void stateChanged(DrainState before, DrainState after) {
                if (after == DrainState.LAME_DUCK) {
                    leave();
                } else if (after == DrainState.SERVING) {
                    comeBack();
                }
            }

            @Override
            public Duration lameDuck() {
                Drain drain = valve.drain();
                return drain == null || !isIn()
                        ? Duration.ZERO
                        : drain.settings().lameDuckTimeout();
            }
        };
    }

    private boolean isIn() {
        return registries.stream().findAny().isPresent()
                && registrations.stream().findAny().isPresent();
    }

    private void leave() {
        forEach("left", ServiceRegistry::deregister);
    }

    private void comeBack() {
        forEach("is in again:", ServiceRegistry::register);
    }

    private void forEach(String what, BiConsumer<ServiceRegistry<Registration>, Registration> step) {
        List<Registration> all = registrations.orderedStream().toList();
        registries
                .orderedStream()
                .forEach(registry -> all.stream()
                        .filter(registration -> takes(registry, registration))
                        .forEach(registration -> safely(what, step, cast(registry), registration)));
    }

    /** One registry that fails must not keep the application in the others. */
    private static void safely(
            String what,
            BiConsumer<ServiceRegistry<Registration>, Registration> step,
            ServiceRegistry<Registration> registry,
            Registration registration) {
        String where = "service registry [" + AopUtils.getTargetClass(registry).getSimpleName() + "]";
        try {
            step.accept(registry, registration);
            LOG.info("[" + registration.getServiceId() + "] " + what + " " + where);
        } catch (RuntimeException fault) {
            LOG.warn("[" + registration.getServiceId() + "] could not tell " + where + " of the drain", fault);
        }
    }

    private static boolean takes(ServiceRegistry<?> registry, Registration registration) {
        Class<?> taken = ResolvableType.forClass(ServiceRegistry.class, AopUtils.getTargetClass(registry))
                .getGeneric(0)
                .resolve(Registration.class);
        return taken.isInstance(registration);
    }

    @SuppressWarnings("unchecked") // the type was checked
    private static ServiceRegistry<Registration> cast(ServiceRegistry<?> registry) {
        return (ServiceRegistry<Registration>) registry;
    }
}
