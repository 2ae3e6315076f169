package io.tomcatdrain.valve;

import java.nio.file.Path;
import org.apache.catalina.Lifecycle;
import org.apache.catalina.LifecycleException;
import org.apache.catalina.LifecycleState;
import org.apache.catalina.Server;

/**
 * A process of its own with a small server that a byte on its standard input stops, as the shutdown port does: without a JVM hook of
 * Tomcat's. A listener makes that stop fail. The process goes on afterwards, until a signal.
 */
final class HalfStoppedServer {
    /** Where the listener throws. */
    enum Fault {
        ENGINE_BEFORE_STOP,
        SERVICE_BEFORE_STOP,
        SERVER_BEFORE_STOP,
        SERVER_STOP,
        SERVER_AFTER_STOP,
        /** Already at the start, and never again: the stop goes on to its end in that state. */
        START,
        /** At the start, and again before the stop; the thread that stops ends by it. */
        START_AND_SERVER_BEFORE_STOP,
    }

    private HalfStoppedServer() {}

    public static void main(String[] args) throws Exception {
        Fault fault = Fault.valueOf(args[1]);
        SmallServer server = new SmallServer(Path.of(args[0]));
        server.valve.setUploadTimeout("30s");
        Server whole = server.tomcat.getServer();
        switch (fault) {
            case ENGINE_BEFORE_STOP -> fail(server.tomcat.getEngine(), Lifecycle.BEFORE_STOP_EVENT);
            case SERVICE_BEFORE_STOP -> fail(server.tomcat.getService(), Lifecycle.BEFORE_STOP_EVENT);
            case SERVER_STOP -> fail(whole, Lifecycle.STOP_EVENT);
            case SERVER_AFTER_STOP -> fail(whole, Lifecycle.AFTER_STOP_EVENT);
            case START, START_AND_SERVER_BEFORE_STOP -> fail(whole, Lifecycle.AFTER_START_EVENT);
            default -> {}
        }
        try {
            server.start();
        } catch (LifecycleException failed) {
            if (whole.getState() != LifecycleState.FAILED) {
                throw failed;
            }
        }
        if (fault == Fault.SERVER_BEFORE_STOP || fault == Fault.START_AND_SERVER_BEFORE_STOP) {
            fail(whole, Lifecycle.BEFORE_STOP_EVENT); // behind the valve's own listener
        }
        System.out.println("port " + server.port());
        System.in.read();
        Thread stopper = new Thread(() -> {
            try {
                server.tomcat.stop();
                System.out.println("stopped");
            } catch (LifecycleException failed) {
                System.out.println("stop failed");
            }
            if (fault != Fault.START_AND_SERVER_BEFORE_STOP) {
                server.tomcat.getServer().await(); // a thread that goes on, as an application's may
            }
        });
        stopper.start();
        new java.util.concurrent.CountDownLatch(1).await();
    }

    private static void fail(Lifecycle part, String at) {
        part.addLifecycleListener(event -> {
            if (at.equals(event.getType())) {
                throw new IllegalStateException("on purpose");
            }
        });
    }
}
