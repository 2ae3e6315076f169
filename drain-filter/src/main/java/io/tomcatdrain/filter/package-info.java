/** The drain as a servlet filter. */
@NullMarked
package io.tomcatdrain.filter;

import org.jspecify.annotations.NullMarked;
