package io.tomcatdrain.boot;

import org.jspecify.annotations.Nullable;

/** Says which of the properties {@code drain.*} is wrong, and what to do. */
final class InvalidDrainPropertyException extends IllegalArgumentException {
    private static final long serialVersionUID = 1L;

    InvalidDrainPropertyException(String message, @Nullable Throwable cause) {
        super(message, cause);
    }
}
