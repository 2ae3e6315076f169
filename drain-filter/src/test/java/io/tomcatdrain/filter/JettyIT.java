package io.tomcatdrain.filter;

import io.tomcatdrain.Drain;
import jakarta.servlet.MultipartConfigElement;
import java.util.Map;
import org.eclipse.jetty.ee10.servlet.ServletContainerInitializerHolder;
import org.eclipse.jetty.ee10.servlet.ServletContextHandler;
import org.eclipse.jetty.ee10.servlet.ServletHolder;
import org.eclipse.jetty.http2.server.HTTP2CServerConnectionFactory;
import org.eclipse.jetty.server.HttpConfiguration;
import org.eclipse.jetty.server.HttpConnectionFactory;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.ServerConnector;
import org.eclipse.jetty.server.handler.GracefulHandler;

/** The filter in Jetty. */
class JettyIT extends OtherContainer {
    private Server server;
    private ServerConnector connector;
    private ServletContextHandler context;

    @Override
    void start(Map<String, String> parameters) throws Exception {
        server = new Server();
        HttpConfiguration configuration = new HttpConfiguration();
        connector = new ServerConnector(
                server, new HttpConnectionFactory(configuration), new HTTP2CServerConnectionFactory(configuration));
        connector.setHost("127.0.0.1");
        server.addConnector(connector);
        context = new ServletContextHandler("/app");
        parameters.forEach(context::setInitParameter);
        context.addServletContainerInitializer(new ServletContainerInitializerHolder(new DrainInitializer()));
        ServletHolder main = new ServletHolder("main", app.new Main());
        main.setAsyncSupported(true);
        main.getRegistration().setMultipartConfig(new MultipartConfigElement(directory.toString()));
        for (String path : PATHS) {
            context.addServlet(main, path);
        }
        server.setHandler(new GracefulHandler(context));
        server.start();
    }

    @Override
    int port() {
        return connector.getLocalPort();
    }

    @Override
    Drain drain() {
        return (Drain) context.getServletContext().getAttribute(Drain.ATTRIBUTE);
    }

    @Override
    String name() {
        return "/app";
    }

    @Override
    boolean seesBytesOfParts() {
        return false;
    }

    @Override
    void stopApplication() throws Exception {
        context.stop();
    }

    @Override
    void stopGracefully() throws Exception {
        server.setStopTimeout(120_000);
        server.stop();
    }

    @Override
    void stop() throws Exception {
        server.stop();
    }
}
