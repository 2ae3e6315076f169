package io.tomcatdrain.filter;

import jakarta.servlet.DispatcherType;
import jakarta.servlet.FilterRegistration;
import jakarta.servlet.ServletContainerInitializer;
import jakarta.servlet.ServletContext;
import jakarta.servlet.ServletException;
import java.util.EnumSet;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Registers {@link DrainFilter} before the application's own filters, unless the application declares it by itself. Found by the container
 * through {@code META-INF/services}.
 *
 * @since 1.0
 */
public final class DrainInitializer implements ServletContainerInitializer {

    /** Makes an initializer; for the container. */
    public DrainInitializer() {}

    @Override
    public void onStartup(@Nullable Set<Class<?>> classes, ServletContext context) throws ServletException {
        String name = DrainFilter.class.getName();
        if (context.getFilterRegistrations().values().stream()
                .anyMatch(declared -> name.equals(declared.getClassName()))) {
            return;
        }
        DrainFilter filter = new DrainFilter();
        if (!filter.prepare(context, Map.of())) {
            return;
        }
        FilterRegistration.Dynamic registration = context.addFilter(name, filter);
        if (registration != null) { // null: the application has a filter of that name
            registration.setAsyncSupported(true);
            // A servlet filter runs before those of web.xml only if it is added with isMatchAfter = false.
            registration.addMappingForUrlPatterns(
                    EnumSet.of(DispatcherType.REQUEST, DispatcherType.ASYNC), false, "/*");
        }
    }
}
