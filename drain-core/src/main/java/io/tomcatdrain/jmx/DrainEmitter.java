package io.tomcatdrain.jmx;

import io.tomcatdrain.Drain;
import io.tomcatdrain.DrainState;
import java.lang.reflect.AnnotatedElement;
import java.lang.reflect.Method;
import java.util.Arrays;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;
import javax.management.MBeanAttributeInfo;
import javax.management.MBeanInfo;
import javax.management.MBeanNotificationInfo;
import javax.management.MBeanOperationInfo;
import javax.management.MBeanParameterInfo;
import javax.management.Notification;
import javax.management.NotificationBroadcasterSupport;
import javax.management.ObjectName;
import javax.management.StandardEmitterMBean;
import javax.management.openmbean.CompositeDataSupport;
import javax.management.openmbean.CompositeType;
import javax.management.openmbean.OpenDataException;
import javax.management.openmbean.OpenType;
import javax.management.openmbean.SimpleType;
import org.jspecify.annotations.Nullable;

/** The MBean of a drain: describes itself by the {@link Description}s of its interface, and sends its state changes. */
final class DrainEmitter extends StandardEmitterMBean {
    private static final CompositeType STATE_CHANGE = stateChangeType();

    private final ObjectName objectName;
    private final Drain drain;
    private final AtomicLong sequenceNumber = new AtomicLong();

    DrainEmitter(Drain drain, ObjectName objectName) {
        super(
                new DrainView(drain),
                DrainMXBean.class,
                true,
                new NotificationBroadcasterSupport(new MBeanNotificationInfo(
                        new String[] {DrainRegistration.STATE_NOTIFICATION},
                        Notification.class.getName(),
                        "The state has changed; the user data holds name, oldState and newState")));
        this.objectName = objectName;
        this.drain = drain;
    }

    private static CompositeType stateChangeType() {
        try {
            String[] items = {"name", "oldState", "newState"};
            String[] descriptions = {"The drain's name", "The state that ended", "The state that began"};
            OpenType<?>[] types = {SimpleType.STRING, SimpleType.STRING, SimpleType.STRING};
            return new CompositeType(
                    DrainRegistration.STATE_NOTIFICATION, "A state change of a drain", items, descriptions, types);
        } catch (OpenDataException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    /** Sends one state change. Users may be in another process, so that it is made of classes of the JDK only. */
    void stateChanged(DrainState before, DrainState after) {
        Notification notification = new Notification(
                DrainRegistration.STATE_NOTIFICATION,
                objectName,
                sequenceNumber.incrementAndGet(),
                "drain[" + drain.name() + "] " + before + " -> " + after);
        try {
            notification.setUserData(new CompositeDataSupport(
                    STATE_CHANGE, Map.of("name", drain.name(), "oldState", before.name(), "newState", after.name())));
        } catch (OpenDataException impossible) {
            throw new IllegalStateException(impossible);
        }
        sendNotification(notification);
    }

    // ---------------------------------------------------------------- descriptions

    @Override
    protected String getDescription(MBeanInfo info) {
        return textOf(DrainMXBean.class, info.getDescription());
    }

    @Override
    protected String getDescription(MBeanAttributeInfo info) {
        String getter = (info.isIs() ? "is" : "get") + info.getName();
        return textOf(method(getter, new String[0]), info.getDescription());
    }

    @Override
    protected String getDescription(MBeanOperationInfo info) {
        return textOf(method(info), info.getDescription());
    }

    @Override
    protected String getDescription(MBeanOperationInfo info, MBeanParameterInfo parameter, int sequence) {
        Method method = method(info);
        return textOf(method == null ? null : method.getParameters()[sequence], parameter.getDescription());
    }

    @Override
    protected String getParameterName(MBeanOperationInfo info, MBeanParameterInfo parameter, int sequence) {
        Method method = method(info);
        Description description =
                method == null ? null : method.getParameters()[sequence].getAnnotation(Description.class);
        return description == null ? parameter.getName() : description.name();
    }

    @Override
    protected int getImpact(MBeanOperationInfo info) {
        return info.getName().equals("awaitDrained") ? MBeanOperationInfo.INFO : MBeanOperationInfo.ACTION;
    }

    private static @Nullable Method method(MBeanOperationInfo info) {
        String[] types = Arrays.stream(info.getSignature())
                .map(MBeanParameterInfo::getType)
                .toArray(String[]::new);
        return method(info.getName(), types);
    }

    private static @Nullable Method method(String name, String[] parameterTypes) {
        for (Method method : DrainMXBean.class.getMethods()) {
            String[] types = Arrays.stream(method.getParameterTypes())
                    .map(Class::getName)
                    .toArray(String[]::new);
            if (method.getName().equals(name) && Arrays.equals(types, parameterTypes)) {
                return method;
            }
        }
        return null;
    }

    private static String textOf(@Nullable AnnotatedElement element, String fallback) {
        Description description = element == null ? null : element.getAnnotation(Description.class);
        return description == null ? fallback : description.value();
    }
}
