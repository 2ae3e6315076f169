package io.tomcatdrain.overhead;

import jakarta.servlet.http.HttpServlet;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import org.apache.catalina.Context;
import org.apache.catalina.LifecycleException;
import org.apache.catalina.Valve;
import org.apache.catalina.Wrapper;
import org.apache.catalina.connector.Connector;
import org.apache.catalina.startup.Tomcat;
import org.apache.coyote.AbstractProtocol;
import org.apache.coyote.Adapter;

/** An embedded Tomcat with one servlet, one thread for requests, and one valve or none. */
final class MeasuredServer implements AutoCloseable {
    private final Tomcat tomcat = new Tomcat();
    private final Connector connector = new Connector("org.apache.coyote.http11.Http11NioProtocol");

    private final Subject subject;
    private final String address;

    /**
     * Starts a server.
     *
     * @param address a loopback address of its own, which gives the server's threads names of their own
     */
    MeasuredServer(Subject subject, String address, Path directory) throws LifecycleException {
        this.subject = subject;
        this.address = address;
        tomcat.setBaseDir(directory.toString());
        connector.setPort(0);
        connector.setProperty("address", address);
        connector.setProperty("maxKeepAliveRequests", "-1");
        connector.setProperty("minSpareThreads", "1");
        connector.setProperty("maxThreads", "1");
        tomcat.setConnector(connector);
        tomcat.getEngine().setName(subject.name());
        Valve valve = subject.newValve(directory);
        if (valve != null) {
            tomcat.getEngine().getPipeline().addValve(valve);
        }
        Context context = tomcat.addContext("/app", directory.toString());
        Tomcat.addServlet(context, "hello", new Hello()).addMapping("/hello");
        Wrapper held = Tomcat.addServlet(context, "held", new Held());
        held.setAsyncSupported(true);
        held.addMapping("/held/*");
        tomcat.start();
    }

    private static final class Hello extends HttpServlet {
        private static final long serialVersionUID = 1;
        private static final byte[] ANSWER = "hello".getBytes(StandardCharsets.US_ASCII);

        @Override
        protected void service(HttpServletRequest request, HttpServletResponse response) throws IOException {
            InputStream in = request.getInputStream();
            while (in.read() >= 0) {
                // an upload is read to its end
            }
            response.setContentType("text/plain");
            response.setContentLength(ANSWER.length);
            response.getOutputStream().write(ANSWER);
        }
    }

    /** Keeps every request inside. */
    private static final class Held extends HttpServlet {
        private static final long serialVersionUID = 1;

        @Override
        protected void service(HttpServletRequest request, HttpServletResponse response) {
            request.startAsync().setTimeout(0);
        }
    }

    Subject subject() {
        return subject;
    }

    /** Returns the engine's first valve; without one of the subject's that is Tomcat's last. */
    Valve firstValve() {
        return tomcat.getEngine().getPipeline().getFirst();
    }

    Adapter adapter() {
        return ((AbstractProtocol<?>) connector.getProtocolHandler()).getAdapter();
    }

    InetSocketAddress socketAddress() {
        return new InetSocketAddress(address, connector.getLocalPort());
    }

    /** Returns what the names of this server's threads begin with. */
    String threadPrefix() {
        return "http-nio-" + address + "-";
    }

    @Override
    public void close() throws LifecycleException {
        tomcat.stop();
        tomcat.destroy();
    }
}
