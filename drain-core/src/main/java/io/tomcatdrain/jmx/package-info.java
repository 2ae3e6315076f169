/** The drain as an MXBean. */
@NullMarked
package io.tomcatdrain.jmx;

import org.jspecify.annotations.NullMarked;
