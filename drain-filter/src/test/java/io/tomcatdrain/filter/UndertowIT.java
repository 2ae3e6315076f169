package io.tomcatdrain.filter;

import static org.assertj.core.api.Assertions.assertThat;

import io.tomcatdrain.Drain;
import io.tomcatdrain.testkit.App;
import io.undertow.Handlers;
import io.undertow.Undertow;
import io.undertow.UndertowOptions;
import io.undertow.server.handlers.GracefulShutdownHandler;
import io.undertow.servlet.Servlets;
import io.undertow.servlet.api.DeploymentInfo;
import io.undertow.servlet.api.DeploymentManager;
import io.undertow.servlet.api.ServletContainerInitializerInfo;
import io.undertow.servlet.util.ImmediateInstanceFactory;
import jakarta.servlet.MultipartConfigElement;
import java.net.InetSocketAddress;
import java.util.Map;
import java.util.Set;

/** The filter in Undertow. */
class UndertowIT extends OtherContainer {
    private Undertow server;
    private DeploymentManager manager;
    private GracefulShutdownHandler graceful;

    @Override
    void start(Map<String, String> parameters) throws Exception {
        DeploymentInfo deployment = Servlets.deployment()
                .setClassLoader(getClass().getClassLoader())
                .setDeploymentName("app.war")
                .setContextPath("/app")
                .addServletContainerInitializer(new ServletContainerInitializerInfo(DrainInitializer.class, Set.of()))
                .addServlet(Servlets.servlet("main", App.Main.class, new ImmediateInstanceFactory<>(app.new Main()))
                        .addMappings(PATHS)
                        .setAsyncSupported(true)
                        .setMultipartConfig(new MultipartConfigElement(directory.toString())));
        parameters.forEach(deployment::addInitParameter);
        manager = Servlets.newContainer().addDeployment(deployment);
        manager.deploy();
        graceful = Handlers.gracefulShutdown(Handlers.path().addPrefixPath("/app", manager.start()));
        server = Undertow.builder()
                .addHttpListener(0, "127.0.0.1")
                .setServerOption(UndertowOptions.ENABLE_HTTP2, true)
                .setHandler(graceful)
                .build();
        server.start();
    }

    @Override
    int port() {
        return ((InetSocketAddress) server.getListenerInfo().get(0).getAddress()).getPort();
    }

    @Override
    Drain drain() {
        return (Drain) manager.getDeployment().getServletContext().getAttribute(Drain.ATTRIBUTE);
    }

    @Override
    String name() {
        return "localhost/app";
    }

    @Override
    boolean seesBytesOfParts() {
        return true;
    }

    @Override
    void stopApplication() throws Exception {
        if (manager.getState() == DeploymentManager.State.STARTED) {
            manager.stop();
        }
    }

    @Override
    void stopGracefully() throws Exception {
        graceful.shutdown();
        assertThat(graceful.awaitShutdown(120_000)).isTrue();
        stop();
    }

    @Override
    void stop() throws Exception {
        stopApplication();
        server.stop();
    }
}
