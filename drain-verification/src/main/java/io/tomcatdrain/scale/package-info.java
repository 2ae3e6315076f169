/** Ten thousand slow uploads into one node that is drained and stopped under them, and what an upload costs the registry. */
@NullMarked
package io.tomcatdrain.scale;

import org.jspecify.annotations.NullMarked;
