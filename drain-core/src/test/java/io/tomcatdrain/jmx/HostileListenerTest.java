package io.tomcatdrain.jmx;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.tomcatdrain.DrainSettings;
import io.tomcatdrain.NodeDrain;
import io.tomcatdrain.testkit.CapturedLog;
import java.lang.management.ManagementFactory;
import java.util.concurrent.CountDownLatch;
import java.util.logging.Handler;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import javax.management.MBeanServer;
import javax.management.MBeanServerDelegate;
import javax.management.MBeanServerNotification;
import javax.management.NotificationListener;
import javax.management.ObjectName;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A drain beside a listener of somebody else that fails, on the thread that registers, for each MBean that comes or goes. */
class HostileListenerTest {
    private static final String NAME = "beside-a-hostile-listener";

    private final MBeanServer server = ManagementFactory.getPlatformMBeanServer();
    private final NodeDrain drain = new NodeDrain(NAME, DrainSettings.defaults());
    private final Logger logger = Logger.getLogger(DrainRegistration.class.getName());
    private Throwable fault = new IllegalStateException("not set");
    private ObjectName bean;

    private final NotificationListener hostile = (notification, handback) -> {
        if (notification instanceof MBeanServerNotification change
                && NAME.equals(change.getMBeanName().getKeyProperty("name"))) {
            throwAsItIs(fault);
        }
    };

    private final Handler failing = new Handler() {
        @Override
        public void publish(LogRecord line) {
            throw new IllegalStateException("the disk is full");
        }

        @Override
        public void flush() {}

        @Override
        public void close() {}
    };

    @SuppressWarnings({"unchecked", "TypeParameterUnusedInFormals"})
    private static <T extends Throwable> void throwAsItIs(Throwable fault) throws T {
        throw (T) fault;
    }

    @BeforeEach
    void listen() throws Exception {
        CapturedLog.keepOffTheConsole();
        bean = DrainRegistration.objectName(NAME);
        server.addNotificationListener(MBeanServerDelegate.DELEGATE_NAME, hostile, null, null);
    }

    @AfterEach
    void end() throws Exception {
        logger.removeHandler(failing);
        server.removeNotificationListener(MBeanServerDelegate.DELEGATE_NAME, hostile);
        if (server.isRegistered(bean)) {
            server.unregisterMBean(bean);
        }
        drain.close();
    }

    @ParameterizedTest
    @ValueSource(
            classes = {
                AssertionError.class,
                NoClassDefFoundError.class,
                StackOverflowError.class,
                IllegalStateException.class
            })
    void theDrainIsShownAllTheSameUntilItsRegistrationIsClosed(Class<? extends Throwable> kind) throws Exception {
        fault = kind.getDeclaredConstructor().newInstance();

        DrainRegistration registration = DrainRegistration.register(drain);
        assertThat(server.getAttribute(bean, "State")).isEqualTo("SERVING");
        registration.close();

        assertThat(server.isRegistered(bean)).isFalse();
        registration.close();
        try (DrainRegistration again = DrainRegistration.register(drain)) {
            assertThat(again).isNotNull();
            assertThat(server.isRegistered(bean)).isTrue();
        }
        assertThat(server.isRegistered(bean)).isFalse();
    }

    /** A stop takes the MBean out on its own thread, and the server tells the listeners of others there. */
    @Test
    @Timeout(300)
    void whatHangsHoldsNoStop() throws Exception {
        CountDownLatch release = new CountDownLatch(1);
        NotificationListener hanging = (notification, handback) -> {
            if (notification instanceof MBeanServerNotification change
                    && MBeanServerNotification.UNREGISTRATION_NOTIFICATION.equals(change.getType())
                    && NAME.equals(change.getMBeanName().getKeyProperty("name"))) {
                awaitQuietly(release);
            }
        };
        server.removeNotificationListener(MBeanServerDelegate.DELEGATE_NAME, hostile);
        server.addNotificationListener(MBeanServerDelegate.DELEGATE_NAME, hanging, null, null);
        try {
            DrainRegistration.register(drain).close();

            assertThat(server.isRegistered(bean)).isFalse();
        } finally {
            release.countDown();
            server.removeNotificationListener(MBeanServerDelegate.DELEGATE_NAME, hanging);
            server.addNotificationListener(MBeanServerDelegate.DELEGATE_NAME, hostile, null, null);
        }
        await("the end of the call that hung, beside which no other is waited for")
                .until(() -> Thread.getAllStackTraces().keySet().stream()
                        .noneMatch(thread -> thread.getName().equals("drain-call")));
    }

    private static void awaitQuietly(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    @Test
    void evenALogThatFailsThrowsNothing() {
        fault = new AssertionError("for this test");
        logger.addHandler(failing);

        DrainRegistration registration = DrainRegistration.register(drain);
        DrainRegistration second = DrainRegistration.register(drain);
        second.close();
        assertThat(server.isRegistered(bean)).as("the first one's").isTrue();
        registration.close();

        assertThat(server.isRegistered(bean)).isFalse();
    }
}
