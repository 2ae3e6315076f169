/**
 * The drain in Spring Boot applications with embedded Tomcat: registered by auto-configuration, set by properties {@code drain.*}.
 */
@NullMarked
package io.tomcatdrain.boot;

import org.jspecify.annotations.NullMarked;
