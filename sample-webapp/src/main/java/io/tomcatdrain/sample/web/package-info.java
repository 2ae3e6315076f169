/** The sample's web application: an upload form. All that the WAR holds. */
@NullMarked
package io.tomcatdrain.sample.web;

import org.jspecify.annotations.NullMarked;
