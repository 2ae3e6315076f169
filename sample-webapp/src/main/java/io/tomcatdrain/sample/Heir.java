package io.tomcatdrain.sample;

import io.tomcatdrain.valve.DrainValve;
import java.io.IOException;
import java.util.concurrent.CountDownLatch;
import java.util.logging.ConsoleHandler;
import java.util.logging.Level;
import org.apache.catalina.LifecycleException;
import org.apache.juli.OneLineFormatter;

/** One of the servers of {@link Handover}: a process that has inherited its listening socket as its standard input. */
final class Heir {
    /** What it prints once it accepts; its name comes before. */
    static final String READY = " is ready";

    private Heir() {}

    /**
     * Serves until it is told to stop.
     *
     * @param args its name
     */
    public static void main(String[] args) throws IOException, InterruptedException, LifecycleException {
        Logs.install();
        var console = new ConsoleHandler();
        console.setFormatter(new OneLineFormatter());
        Logs.sendTo(console, Level.INFO);
        System.setProperty("node", args[0]); // so that its answers tell whose they are
        SampleServer server = SampleServer.startInheriting(new DrainValve());
        Runtime.getRuntime().addShutdownHook(new Thread(() -> {
            try {
                server.stop();
            } catch (LifecycleException e) {
                System.out.println(e);
            }
        }));
        System.out.println(args[0] + READY);
        new CountDownLatch(1).await();
    }
}
