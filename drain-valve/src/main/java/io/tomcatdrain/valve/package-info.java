/** The drain as a Tomcat valve. */
@NullMarked
package io.tomcatdrain.valve;

import org.jspecify.annotations.NullMarked;
