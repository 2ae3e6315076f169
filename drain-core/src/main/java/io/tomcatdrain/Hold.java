package io.tomcatdrain;

/**
 * Background work of the application that keeps a drain waiting until it is closed. Thread-safe; closing counts once.
 *
 * @since 1.0
 */
public interface Hold extends AutoCloseable {

    /**
     * Returns false if the drain was already over when the hold was asked for, so that the node may stop at any moment. Becomes true if
     * the node serves again meanwhile.
     */
    boolean isEffective();

    @Override
    void close();
}
