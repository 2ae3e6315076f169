/** What the valve costs a request: whole servers with and without it, measured side by side. */
@NullMarked
package io.tomcatdrain.overhead;

import org.jspecify.annotations.NullMarked;
