/**
 * The fleet: two real Tomcats behind a real front end, restarted one after the other under load.
 *
 * <p>{@link io.tomcatdrain.sample.fleet.FrontEnd} is the table of front ends; each row is started from its directory
 * in {@code examples/}. {@link io.tomcatdrain.sample.fleet.Load} uploads and reads pages all the time,
 * {@link io.tomcatdrain.sample.fleet.RollingRestart} stops and starts the nodes meanwhile, and
 * {@link io.tomcatdrain.sample.fleet.Tally} counts what was lost.
 */
package io.tomcatdrain.sample.fleet;
