/** The executable sample: embedded Tomcat with the valve, and the demo. Not part of the WAR. */
@NullMarked
package io.tomcatdrain.sample;

import org.jspecify.annotations.NullMarked;
