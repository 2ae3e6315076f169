package io.tomcatdrain.valve;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.tomcatdrain.DrainSettings.Setting;
import jakarta.servlet.http.HttpServlet;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import javax.management.AttributeNotFoundException;
import javax.management.MBeanAttributeInfo;
import javax.management.MBeanInfo;
import javax.management.MBeanServer;
import javax.management.ObjectName;
import org.apache.catalina.Container;
import org.apache.catalina.Context;
import org.apache.catalina.LifecycleException;
import org.apache.catalina.manager.JMXProxyServlet;
import org.apache.catalina.startup.Tomcat;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Looks at the valve as JMX consoles and Tomcat's manager do. */
class JmxIT {
    private final MBeanServer server = ManagementFactory.getPlatformMBeanServer();
    private final Tomcat tomcat = new Tomcat();

    @TempDir
    Path directory;

    @BeforeEach
    void prepare() {
        tomcat.setBaseDir(directory.toString());
        tomcat.setPort(0);
        tomcat.getConnector().setProperty("address", "127.0.0.1");
    }

    @AfterEach
    void end() throws LifecycleException {
        if (tomcat.getServer().getState().isAvailable()) {
            tomcat.stop();
        }
        tomcat.destroy();
        assertThat(drains()).as("MBeans that are left").isEmpty();
    }

    private DrainValve valve(Container home) {
        DrainValve valve = new DrainValve();
        valve.setLameDuck("off");
        valve.setToken("a-token-of-16-or-more");
        home.getPipeline().addValve(valve);
        return valve;
    }

    private Context context(String path) {
        Context context = tomcat.addContext(path, directory.toString());
        Tomcat.addServlet(context, "ok", new HttpServlet() {
                    private static final long serialVersionUID = 1;

                    @Override
                    protected void doGet(HttpServletRequest request, HttpServletResponse response) throws IOException {
                        response.getWriter().print("ok");
                    }
                })
                .addMapping("/ok");
        return context;
    }

    private Set<ObjectName> drains() {
        return server.queryNames(name("io.tomcatdrain:*"), null);
    }

    private static ObjectName name(String text) {
        try {
            return new ObjectName(text);
        } catch (javax.management.MalformedObjectNameException e) {
            throw new IllegalArgumentException(e);
        }
    }

    private Object drain(String attribute) throws Exception {
        return server.getAttribute(name("io.tomcatdrain:type=Drain,name=Tomcat"), attribute);
    }

    private HttpResponse<String> get(String path) throws Exception {
        URI uri = URI.create("http://127.0.0.1:" + tomcat.getConnector().getLocalPort() + path);
        return HttpClient.newHttpClient()
                .send(HttpRequest.newBuilder(uri).build(), HttpResponse.BodyHandlers.ofString());
    }

    @Test
    void aDrainIsShownFromStartToStop() throws Exception {
        valve(tomcat.getEngine());
        context("/app");
        tomcat.start();

        assertThat(drains()).containsExactly(name("io.tomcatdrain:type=Drain,name=Tomcat"));
        assertThat(get("/app/ok").body()).isEqualTo("ok");
        // Tomcat calls a request ended a moment after the client has its answer.
        await().until(() -> drain("RequestsCompleted").equals(1L));
        server.invoke(name("io.tomcatdrain:type=Drain,name=Tomcat"), "drain", null, null);
        assertThat(get("/app/ok").statusCode()).isEqualTo(503);
        assertThat(drain("Refused")).isEqualTo(1L);

        tomcat.stop();
        assertThat(drains()).isEmpty();
        tomcat.start();
        assertThat(drain("State")).isEqualTo("SERVING");
        assertThat(drain("Refused")).isEqualTo(0L);
    }

    @Test
    void everyContainerHasADrainOfItsName() throws Exception {
        Context app = context("/app");
        Context versioned = context("/shop");
        versioned.setName("/shop##2");
        for (Container home : List.of(tomcat.getEngine(), tomcat.getHost(), app, versioned)) {
            valve(home);
        }
        tomcat.start();

        assertThat(drains())
                .extracting(drain -> drain.getKeyProperty("name"))
                .containsExactlyInAnyOrder("Tomcat", "localhost", "/app", "/shop##2");
        app.stop();
        tomcat.getHost().removeChild(versioned);
        assertThat(drains())
                .extracting(drain -> drain.getKeyProperty("name"))
                .containsExactlyInAnyOrder("Tomcat", "localhost");
        app.start();
        app.reload();
        assertThat(drains()).hasSize(3);
    }

    @Test
    void aStartThatFailsLeavesNothing() throws Exception {
        valve(tomcat.getEngine());
        context("/app");
        tomcat.getHost().getPipeline().addValve(new org.apache.catalina.valves.ValveBase() {
            @Override
            protected void startInternal() throws LifecycleException {
                throw new LifecycleException("on purpose");
            }

            @Override
            public void invoke(
                    org.apache.catalina.connector.Request request, org.apache.catalina.connector.Response response) {}
        });

        assertThatThrownBy(tomcat::start).isInstanceOf(LifecycleException.class);
    }

    @Test
    void catalinaShowsTheAttributesWithDescriptionsAndChangesNone() throws Exception {
        DrainValve valve = valve(tomcat.getEngine());
        valve.setUploadTimeout("7m");
        tomcat.start();
        ObjectName bean = valve.getObjectName();

        assertThat(bean).isEqualTo(name("Tomcat:type=Valve,name=DrainValve"));
        MBeanInfo info = server.getMBeanInfo(bean);
        assertThat(info.getDescription()).startsWith("Lets a Tomcat stop without losing an upload");
        List<String> shown = Arrays.stream(info.getAttributes())
                .map(MBeanAttributeInfo::getName)
                .toList();
        assertThat(shown)
                .containsAll(Stream.of(Setting.values())
                        .filter(setting -> setting != Setting.TOKEN)
                        .map(Setting::key)
                        .toList())
                .doesNotContain("token");
        assertThat(info.getAttributes()).allSatisfy(attribute -> {
            assertThat(attribute.isWritable()).isFalse();
            assertThat(attribute.getDescription()).hasSizeGreaterThan(10);
        });
        assertThat(info.getOperations()).isEmpty();
        assertThat(server.getAttribute(bean, "uploadTimeout")).isEqualTo("7m");
        assertThat(server.getAttribute(bean, "stallTimeout")).isEqualTo("60s");
        assertThat(server.getAttribute(bean, "killAfter")).isNull();
        for (String attribute : shown) {
            assertThat(String.valueOf(server.getAttribute(bean, attribute))).doesNotContain("a-token-of");
        }
        assertThatThrownBy(() -> server.getAttribute(bean, "token")).isInstanceOf(AttributeNotFoundException.class);
        assertThatThrownBy(() -> server.setAttribute(bean, new javax.management.Attribute("uploadTimeout", "1s")))
                .isInstanceOf(Exception.class);
        assertThat(server.getAttribute(bean, "uploadTimeout")).isEqualTo("7m");
    }

    @Test
    void tomcatsManagerReadsAndCommandsThroughItsJmxProxy() throws Exception {
        // The manager in a context of its own, beside the one with the valve: it must answer while the node drains.
        Context app = context("/app");
        valve(app);
        Context manager = tomcat.addContext("/manager", directory.toString());
        Tomcat.addServlet(manager, "jmxproxy", new JMXProxyServlet()).addMapping("/jmxproxy");
        tomcat.start();
        String bean = encoded("io.tomcatdrain:type=Drain,name=/app");

        assertThat(proxy("get=" + bean + "&att=State")).startsWith("OK").endsWith("= SERVING");
        assertThat(proxy("invoke=" + bean + "&op=drain&ps=release,90s")).startsWith("OK");
        assertThat(proxy("get=" + bean + "&att=Reason")).endsWith("= release");
        assertThat(proxy("invoke=" + bean + "&op=awaitDrained&ps=10000"))
                .startsWith("OK")
                .contains("true");
        assertThat(proxy("get=" + bean + "&att=State")).endsWith("= DRAINED");
        assertThat(get("/app/ok").statusCode()).isEqualTo(503);
        assertThat(proxy("invoke=" + bean + "&op=resume")).startsWith("OK");
        assertThat(get("/app/ok").statusCode()).isEqualTo(200);
        assertThat(proxy("invoke=" + bean + "&op=drain")).startsWith("OK");
        assertThat(proxy("get=" + bean + "&att=Reason")).endsWith("= JMX");
        assertThat(proxy("invoke=" + bean + "&op=drain&ps=release,soon")).contains("timeout [soon]: a duration");
        assertThat(proxy("qry=" + encoded("io.tomcatdrain:*")))
                .contains("Name: io.tomcatdrain:type=Drain,name=/app", "Refused: 1", "RequestsCompleted: ");
    }

    private static String encoded(String text) {
        return URLEncoder.encode(text, StandardCharsets.UTF_8);
    }

    private String proxy(String query) throws Exception {
        return get("/manager/jmxproxy?" + query).body().strip();
    }
}
