/**
 * The fleet: two real Tomcats behind a real front end, restarted one after the other under load.
 *
 * <p>{@link io.tomcatdrain.testkit.fleet.FrontEnd} is the table of front ends; each row is started from its directory
 * in {@code examples/}. {@link io.tomcatdrain.testkit.fleet.Load} uploads and reads pages all the time,
 * {@link io.tomcatdrain.testkit.fleet.RollingRestart} stops and starts the nodes meanwhile, and
 * {@link io.tomcatdrain.testkit.fleet.Tally} counts what was lost.
 */
@NullMarked
package io.tomcatdrain.testkit.fleet;

import org.jspecify.annotations.NullMarked;
