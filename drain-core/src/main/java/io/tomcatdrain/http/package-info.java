/** The drain's HTTP endpoints and its refusal, for valve and filter alike. */
@NullMarked
package io.tomcatdrain.http;

import org.jspecify.annotations.NullMarked;
