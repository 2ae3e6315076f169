/** One node's drain: what an application or an adapter names. */
@NullMarked
package io.tomcatdrain;

import org.jspecify.annotations.NullMarked;
