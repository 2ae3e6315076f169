/** Tests of the filter that use the clients and the application of the valve's tests, and therefore share their package. */
package io.tomcatdrain.valve;
