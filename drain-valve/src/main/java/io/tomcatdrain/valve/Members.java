package io.tomcatdrain.valve;

import java.lang.reflect.Field;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.util.ArrayList;
import java.util.List;
import org.apache.catalina.util.ServerInfo;
import org.apache.coyote.AbstractProtocol;
import org.apache.juli.logging.Log;
import org.apache.juli.logging.LogFactory;
import org.jspecify.annotations.Nullable;

/**
 * Finds private members of Tomcat's classes by name and type, and uses them. What is not there costs one warning, and is null. Thread-safe
 * once everything is found.
 */
final class Members {
    private static final Log LOG = LogFactory.getLog(TomcatInternals.class);

    private final List<String> missing = new ArrayList<>();

    /** Returns the names of what was not found. */
    List<String> missing() {
        return List.copyOf(missing);
    }

    /** Returns a class of Tomcat's that is not public. */
    @Nullable Class<?> type(String name, String without) {
        try {
            return Class.forName(name, false, AbstractProtocol.class.getClassLoader());
        } catch (ClassNotFoundException | LinkageError missing) {
            missing(name.substring(name.lastIndexOf('.') + 1), "is not there: " + missing, without);
            return null;
        }
    }

    /** Returns a field of that type; {@code Enum.class} stands for any enum, null for any type at all. */
    @Nullable Field field(Class<?> owner, String name, @Nullable Class<?> type, String without) {
        try {
            Field field = owner.getDeclaredField(name);
            if (type == null
                    || (type == Enum.class ? field.getType().isEnum() : type.isAssignableFrom(field.getType()))) {
                field.setAccessible(true);
                return field;
            }
            warn(owner, name, "is a [" + field.getType().getName() + "]", without);
        } catch (ReflectiveOperationException | RuntimeException | LinkageError missing) {
            warn(owner, name, "is not there: " + missing, without);
        }
        return null;
    }

    /** Finds the first of these names. */
    @Nullable Method method(Class<?> owner, List<String> names, String without, Class<?>... parameters) {
        Object why = "";
        for (String name : names) {
            try {
                Method method = owner.getDeclaredMethod(name, parameters);
                method.setAccessible(true);
                return method;
            } catch (ReflectiveOperationException | RuntimeException | LinkageError missing) {
                why = missing;
            }
        }
        warn(owner, String.join(" or ", names), "is not there: " + why, without);
        return null;
    }

    /** Returns the constant of an enum. */
    @Nullable Object constant(Class<?> type, String name, String without) {
        for (Object constant : type.getEnumConstants()) {
            if (constant.toString().equals(name)) {
                return constant;
            }
        }
        warn(type, name, "is not there", without);
        return null;
    }

    private void warn(Class<?> owner, String name, String what, String without) {
        missing(owner.getSimpleName() + "." + name, what, without);
    }

    private void missing(String name, String what, String without) {
        missing.add(name);
        LOG.warn(name + " of this Tomcat [" + ServerInfo.getServerNumber() + "] " + what + "; " + without);
    }

    /** Returns the value; null if there is no such field. */
    static @Nullable Object get(@Nullable Field field, Object owner) {
        try {
            return field == null ? null : field.get(owner);
        } catch (IllegalAccessException closed) {
            throw new IllegalStateException(closed); // it was made accessible
        }
    }

    /** Returns false if there is no such field. */
    static boolean set(@Nullable Field field, Object owner, Object value) {
        try {
            if (field == null) {
                return false;
            }
            field.set(owner, value);
            return true;
        } catch (IllegalAccessException closed) {
            throw new IllegalStateException(closed);
        }
    }

    /** Returns what the method returns; null if there is no such method, or if it throws. */
    static @Nullable Object call(@Nullable Method method, Object owner, @Nullable Object... arguments) {
        try {
            return method == null ? null : method.invoke(owner, arguments);
        } catch (IllegalAccessException closed) {
            throw new IllegalStateException(closed);
        } catch (InvocationTargetException thrown) {
            LOG.debug(method, thrown);
            return null;
        }
    }
}
