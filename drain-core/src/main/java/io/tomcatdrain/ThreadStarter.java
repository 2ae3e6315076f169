package io.tomcatdrain;

/** Starts the threads of a drain; replaced by tests in which none can be made. */
@FunctionalInterface
interface ThreadStarter {
    /**
     * Starts daemon threads that take neither thread locals nor the class loader of the thread that starts them along: they would keep a
     * web application reachable.
     */
    ThreadStarter DAEMONS = (name, body) -> {
        Thread thread = new Thread(null, body, name, 0, false);
        thread.setDaemon(true);
        thread.setContextClassLoader(ThreadStarter.class.getClassLoader());
        thread.start();
        return thread;
    };

    /**
     * Starts a thread.
     *
     * @return the thread that runs; what is thrown, an {@link OutOfMemoryError} above all, means that there is none
     */
    Thread start(String name, Runnable body);
}
