package io.tomcatdrain.testkit.fleet;

import java.lang.reflect.Method;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.parallel.ResourceLocksProvider;

/** The long form of the fleet tests, {@code -Dfleet=long}: its rows run one after the other, so that its figures mean something. */
public final class LongForm implements ResourceLocksProvider {
    public static final boolean ASKED_FOR = "long".equals(System.getProperty("fleet"));

    /** True where many small uploads are asked for, so that as many as can be meet the moments in which a stop begins and ends. */
    public static final boolean DENSE = "dense".equals(System.getProperty("fleet"));

    /** True where faults of clients, nodes and front end are asked for, with as many restarts as {@code fleet.restarts} says. */
    public static final boolean FAULTS = "faults".equals(System.getProperty("fleet"));

    /** True where more nodes and more uploads are asked for. */
    public static final boolean GROWTH = "growth".equals(System.getProperty("fleet"));

    /** The lines of Tomcat for rows that differ in nothing else: the quick form takes the newer one. */
    public static IntStream lines() {
        return ASKED_FOR ? IntStream.of(11, 10) : IntStream.of(11);
    }

    @Override
    public Set<Lock> provideForMethod(List<Class<?>> enclosingTypes, Class<?> testClass, Method test) {
        return System.getProperty("fleet") != null ? Set.of(new Lock("the machine")) : Set.of();
    }
}
