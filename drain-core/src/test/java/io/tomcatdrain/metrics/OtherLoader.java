package io.tomcatdrain.metrics;

import io.tomcatdrain.Drain;
import java.io.IOException;
import java.net.URL;
import java.net.URLClassLoader;

/** The core in a class loader of its own, as in Tomcat's {@code lib/}: there is no Micrometer, and no class is shared. */
final class OtherLoader implements AutoCloseable {
    private final URLClassLoader loader = new URLClassLoader(
            new URL[] {Drain.class.getProtectionDomain().getCodeSource().getLocation()},
            ClassLoader.getPlatformClassLoader());

    Class<?> load(String name) throws ClassNotFoundException {
        return Class.forName(name, true, loader);
    }

    /** Makes a drain of that loader and shows it by JMX; to be closed. */
    AutoCloseable register(String name) throws ReflectiveOperationException {
        Class<?> drainClass = load("io.tomcatdrain.NodeDrain");
        Class<?> settings = load("io.tomcatdrain.DrainSettings");
        Object drain = drainClass
                .getConstructor(String.class, settings)
                .newInstance(name, settings.getMethod("defaults").invoke(null));
        return (AutoCloseable) load("io.tomcatdrain.jmx.DrainRegistration")
                .getMethod("register", load("io.tomcatdrain.Drain"))
                .invoke(null, drain);
    }

    @Override
    public void close() throws IOException {
        loader.close();
    }
}
