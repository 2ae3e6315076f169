package io.tomcatdrain.metrics;

import io.tomcatdrain.jmx.DrainMXBean;
import java.lang.reflect.Proxy;
import javax.management.InstanceNotFoundException;

/** A drain behind JMX that may be gone when it is asked. */
final class FlakyView {
    private final DrainMXBean real;
    volatile boolean gone;
    volatile Throwable fault;

    FlakyView(DrainMXBean real) {
        this.real = real;
    }

    DrainMXBean proxy() {
        return (DrainMXBean) Proxy.newProxyInstance(
                DrainMXBean.class.getClassLoader(), new Class<?>[] {DrainMXBean.class}, (proxy, method, arguments) -> {
                    if (gone) {
                        throw new InstanceNotFoundException("on purpose");
                    }
                    if (fault != null) {
                        throw fault;
                    }
                    return method.invoke(real, arguments);
                });
    }
}
