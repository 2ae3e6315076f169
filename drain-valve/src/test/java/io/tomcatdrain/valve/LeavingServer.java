package io.tomcatdrain.valve;

import java.nio.file.Path;

/** A process of its own with a small server, which a signal stops as it does Tomcat's own launcher: by a JVM hook. */
final class LeavingServer {
    private LeavingServer() {}

    public static void main(String[] args) throws Exception {
        SmallServer server = new SmallServer(Path.of(args[0]));
        server.valve.setUploadTimeout("1s");
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
