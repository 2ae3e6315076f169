/** The terminal: {@code java -jar drain-valve-VERSION-all.jar}. It knows a drain by its HTTP endpoints only, and sees no class of the valve. */
@NullMarked
package io.tomcatdrain.cli;

import org.jspecify.annotations.NullMarked;
