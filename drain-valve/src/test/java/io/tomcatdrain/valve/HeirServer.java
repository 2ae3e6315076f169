package io.tomcatdrain.valve;

import io.tomcatdrain.testkit.EmbeddedTomcat;
import java.nio.file.Path;
import org.apache.catalina.LifecycleException;
import org.apache.catalina.connector.Connector;
import org.apache.coyote.http2.Http2Protocol;

/**
 * A process of its own with a small server, one of whose connectors accepts from the socket that the process has inherited. A signal stops
 * it as it does Tomcat's own launcher.
 */
final class HeirServer {
    /** What the inherited connector speaks. */
    enum Kind {
        HTTP,
        TLS,
        AJP
    }

    /** What it prints once it serves; the port of its other connector follows. */
    static final String READY = "ready, other port ";

    /** What it prints last. */
    static final String LAST_LINE = "the last line";

    private HeirServer() {}

    /** Arguments: directory, kind, port of the connector for control, and any attributes of the valve as {@code name=value}. */
    public static void main(String[] args) throws Exception {
        EmbeddedTomcat.beQuiet();
        SmallServer server = new SmallServer(Path.of(args[0]));
        server.valve.setLameDuck("auto");
        boolean mixed = false;
        for (int i = 3; i < args.length; i++) {
            String[] attribute = args[i].split("=", 2);
            if ("mixed".equals(attribute[0])) {
                mixed = true;
            } else {
                TestServer.set(server.valve, attribute[0], attribute[1]);
            }
        }
        if (!mixed) {
            server.tomcat.getService().removeConnector(server.tomcat.getConnector());
        }
        server.tomcat.getService().addConnector(inheriting(Kind.valueOf(args[1]), Path.of(args[0])));
        Connector control = new Connector();
        control.setPort(Integer.parseInt(args[2]));
        control.setProperty("address", "127.0.0.1");
        server.tomcat.getService().addConnector(control);
        server.valve.setControlPort(args[2]);
        server.start();
        Runtime.getRuntime().addShutdownHook(new Thread(() -> {
            try {
                server.tomcat.stop();
                server.tomcat.destroy();
            } catch (LifecycleException failed) {
                failed.printStackTrace();
            }
            System.out.println(LAST_LINE);
        }));
        System.out.println(READY + (mixed ? server.port() : "none"));
        server.tomcat.getServer().await();
    }

    private static Connector inheriting(Kind kind, Path directory) {
        Connector connector = new Connector(
                kind == Kind.AJP
                        ? "org.apache.coyote.ajp.AjpNioProtocol"
                        : "org.apache.coyote.http11.Http11NioProtocol");
        connector.setProperty("useInheritedChannel", "true");
        if (kind == Kind.AJP) {
            connector.setProperty("secretRequired", "false");
        } else {
            connector.addUpgradeProtocol(new Http2Protocol());
        }
        if (kind == Kind.TLS) {
            new TestCertificate(directory.resolve("keys.p12")).secure(connector);
        }
        return connector;
    }
}
