/** The drain as Micrometer meters; the only package that needs Micrometer. */
@NullMarked
package io.tomcatdrain.metrics;

import org.jspecify.annotations.NullMarked;
