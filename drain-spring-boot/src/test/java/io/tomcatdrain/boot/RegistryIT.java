package io.tomcatdrain.boot;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.tomcatdrain.Drain;
import io.tomcatdrain.DrainListener;
import io.tomcatdrain.DrainState;
import io.tomcatdrain.DrainStatus.InFlight;
import io.tomcatdrain.boot.Client.Upload;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.boot.context.event.ApplicationReadyEvent;
import org.springframework.cloud.client.DefaultServiceInstance;
import org.springframework.cloud.client.serviceregistry.AutoServiceRegistration;
import org.springframework.cloud.client.serviceregistry.Registration;
import org.springframework.cloud.client.serviceregistry.ServiceRegistry;
import org.springframework.context.ApplicationContext;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.event.ContextClosedEvent;
import org.springframework.context.event.EventListener;

/** An application that callers find by a registry, which they ask now and then only. */
@Timeout(value = 5, unit = TimeUnit.MINUTES)
class RegistryIT {

    /** Callers may know the node for ten minutes after that. Nothing but the test ends the lame duck here. */
    @ParameterizedTest
    @ValueSource(classes = {Cloud.class, OwnClient.class})
    void theNodeLeavesTheRegistryFirstServesOnAndComesBackIfTheDrainIsUndone(Class<?> client) throws Exception {
        var application = TestApp.started(
                new Class<?>[] {TestApp.class, client}, "drain.lame-duck=auto", "drain.lame-duck-timeout=10m");
        var drain = application.getBean(Drain.class);
        var registered = registered(application);
        int known = registered.iterator().next();
        for (int i = 0; i < 2; i++) {
            var unused = drain.start("test");
            await().until(registered::isEmpty);
            drain.resume();
            await().until(() -> registered.size() == 1);
        }
        assertThat(application.getBeansOfType(DrainListener.class).values())
                .extracting(DrainListener::lameDuck)
                .contains(Duration.ofMinutes(10));
        try (var upload = new Upload(known)) {
            ApplicationStopIT.awaitUpload(drain);
            var closed = CompletableFuture.runAsync(application::close);
            await().until(registered::isEmpty);
            assertThat(Client.status(known, "/page")).isEqualTo(200);
            assertThat(upload.finish()).contains(" 200 ");
            assertThat(drain.state()).isEqualTo(DrainState.LAME_DUCK);
            await().until(() -> drain.status().inFlight().equals(new InFlight(0, 0, 0)));
            ApplicationStopIT.endLameDuck(drain);
            closed.get();
        }
        assertThat(drain.state()).isEqualTo(DrainState.DRAINED);
    }

    @Test
    void aRegistryThatFailsDelaysNothingBeyondTheLameDuck() {
        var application = TestApp.started(
                new Class<?>[] {TestApp.class, BrokenCloud.class},
                "drain.lame-duck=auto",
                "drain.lame-duck-timeout=100ms");
        var drain = application.getBean(Drain.class);
        application.close();
        assertThat(drain.state()).isEqualTo(DrainState.DRAINED);
        assertThat(drain.status().report().lameDuckMillis()).isBetween(100L, 60_000L);
    }

    private static Set<Integer> registered(ApplicationContext application) {
        return application.getBean(Ports.class).ports;
    }

    /** What the registry knows: the ports of the nodes that are there. */
    static final class Ports {
        final Set<Integer> ports = ConcurrentHashMap.newKeySet();
    }

    /** A registry as Spring Cloud's clients have one each: theirs need a server. */
    @Configuration(proxyBeanMethods = false)
    static class Cloud {
        @Bean
        static Ports ports() {
            return new Ports();
        }

        @Bean
        static ServiceRegistry<Node> registry(Ports ports) {
            return new Registry(ports);
        }

        @Bean
        static Node node(ApplicationContext context) {
            return new Node(context);
        }

        @Bean
        static Automatic automatic(ServiceRegistry<Node> registry, Node node) {
            return new Automatic(registry, node);
        }
    }

    /** One that cannot be reached any more. */
    @Configuration(proxyBeanMethods = false)
    static class BrokenCloud {
        @Bean
        static ServiceRegistry<Node> registry() {
            return new Registry(new Ports()) {
                @Override
                public void deregister(Node node) {
                    throw new IllegalStateException("no registry");
                }
            };
        }

        @Bean
        static Node node(ApplicationContext context) {
            return new Node(context);
        }
    }

    static class Registry implements ServiceRegistry<Node> {
        private final Ports ports;

        Registry(Ports ports) {
            this.ports = ports;
        }

        @Override
        public void register(Node node) {
            ports.ports.add(node.getPort());
        }

        @Override
        public void deregister(Node node) {
            ports.ports.remove(node.getPort());
        }

        @Override
        public void close() {}

        @Override
        public void setStatus(Node node, String status) {}

        @Override
        public <T> T getStatus(Node node) {
            return null;
        }
    }

    static final class Node extends DefaultServiceInstance implements Registration {
        private final ApplicationContext context;

        Node(ApplicationContext context) {
            super("node", "test", "127.0.0.1", 0, false);
            this.context = context;
        }

        @Override
        public int getPort() {
            return context.getEnvironment().getRequiredProperty("local.server.port", Integer.class);
        }
    }

    /** As Eureka's: leaves when the context is closed. The class that others have in common has no constructor that is there in both lines. */
    static final class Automatic implements AutoServiceRegistration {
        private final ServiceRegistry<Node> registry;
        private final Node node;

        Automatic(ServiceRegistry<Node> registry, Node node) {
            this.registry = registry;
            this.node = node;
        }

        @EventListener
        void ready(ApplicationReadyEvent event) {
            registry.register(node);
        }

        @EventListener
        void closed(ContextClosedEvent event) {
            registry.deregister(node);
        }
    }

    /** A client of a registry's own, which leaves when the context is closed, and is told of drains. */
    @Configuration(proxyBeanMethods = false)
    static class OwnClient {
        @Bean
        static Ports ports() {
            return new Ports();
        }

        @Bean
        static PlainClient client(Ports ports) {
            return new PlainClient(ports);
        }

        @Bean
        static DrainListener leaving(PlainClient client, ApplicationContext context) {
            return DrainListener.announcing(Duration.ofMinutes(10), client::leave, () -> client.join(portOf(context)));
        }

        private static int portOf(ApplicationContext context) {
            return context.getEnvironment().getRequiredProperty("local.server.port", Integer.class);
        }
    }

    /** The client of a registry that knows nothing of Spring Cloud. */
    static final class PlainClient {
        private final Ports ports;

        PlainClient(Ports ports) {
            this.ports = ports;
        }

        @EventListener
        void ready(ApplicationReadyEvent event) {
            join(OwnClient.portOf(event.getApplicationContext()));
        }

        @EventListener
        void closed(ContextClosedEvent event) {
            leave();
        }

        void join(int port) {
            ports.ports.add(port);
        }

        void leave() {
            ports.ports.clear();
        }
    }
}
