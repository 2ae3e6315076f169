package io.tomcatdrain.valve;

import java.nio.file.Path;
import org.apache.catalina.core.StandardContext;

/**
 * A process of its own with a small server, which a signal stops as it does Tomcat's own launcher: by a JVM hook. With a second argument
 * uploads have all the time that they have by default.
 */
final class LeavingServer {
    private LeavingServer() {}

    public static void main(String[] args) throws Exception {
        SmallServer server = new SmallServer(Path.of(args[0]));
        if (args.length == 1) {
            server.valve.setUploadTimeout("1s");
        }
        // Tomcat's own patience with a request that never ends.
        ((StandardContext) server.context).setUnloadDelay(20);
        server.tomcat.getConnector().setProperty("executorTerminationTimeoutMillis", "100");
        server.start();
        Runtime.getRuntime().addShutdownHook(new Thread(() -> {
            try {
                server.tomcat.stop();
            } catch (org.apache.catalina.LifecycleException failed) {
                failed.printStackTrace();
            }
        }));
        System.out.println("port " + server.port());
        server.tomcat.getServer().await();
    }
}
