/**
 * What the tests of several modules share: a server with an application that ends requests in every way, clients of which a test
 * controls every byte, and the log as a test sees it.
 *
 * <p>{@link io.tomcatdrain.testkit.EmbeddedTomcat} serves {@link io.tomcatdrain.testkit.App};
 * {@link io.tomcatdrain.testkit.Scenario} is the table of the ways in which Tomcat can end a request.
 */
@NullMarked
package io.tomcatdrain.testkit;

import org.jspecify.annotations.NullMarked;
