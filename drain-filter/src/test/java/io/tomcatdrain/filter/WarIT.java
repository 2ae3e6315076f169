package io.tomcatdrain.filter;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.tomcatdrain.Drain;
import io.tomcatdrain.testkit.Answer;
import io.tomcatdrain.testkit.Background;
import io.tomcatdrain.testkit.CapturedLog;
import io.tomcatdrain.testkit.EmbeddedTomcat;
import io.tomcatdrain.testkit.Http11Client;
import jakarta.servlet.ServletContainerInitializer;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.lang.ref.WeakReference;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.jar.JarOutputStream;
import java.util.stream.Stream;
import java.util.zip.ZipEntry;
import javax.management.JMException;
import javax.management.ObjectName;
import org.apache.catalina.core.StandardContext;
import org.apache.catalina.startup.ContextConfig;
import org.apache.catalina.startup.Tomcat;
import org.apache.tomcat.util.scan.StandardJarScanner;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A web application whose only addition are the two jars in {@code WEB-INF/lib}, in the class loader that Tomcat gives it. */
class WarIT {
    private static final String TOKEN = "a-token-of-16-or-more";
    private static final String AUTHORIZATION = "Authorization: Bearer " + TOKEN;
    private static final int SIZE = 20_000;

    @TempDir
    Path directory;

    private final Tomcat tomcat = new Tomcat();
    private Path war;

    @BeforeEach
    void start() throws Exception {
        EmbeddedTomcat.beQuiet();
        war = Files.createDirectories(directory.resolve("war"));
        Path info = Files.createDirectories(war.resolve("WEB-INF"));
        writeWebXml("", "");
        addTo(info, Drain.class, "core");
        addTo(info, DrainFilter.class, "filter");
        for (Class<?> type : List.of(WarServlet.class, WarServlet.Own.class)) {
            String file = type.getName().replace('.', '/') + ".class";
            Path target = info.resolve("classes").resolve(file);
            Files.createDirectories(target.getParent());
            try (var in = type.getClassLoader().getResourceAsStream(file)) {
                Files.copy(in, target);
            }
        }
        tomcat.setBaseDir(directory.toString());
        tomcat.setPort(0);
        tomcat.getConnector().setProperty("address", "127.0.0.1");
        tomcat.start();
    }

    private void writeWebXml(String attributes, String elements) throws IOException {
        Files.writeString(war.resolve("WEB-INF/web.xml"), """
            <web-app xmlns="https://jakarta.ee/xml/ns/jakartaee" version="6.0" %s>
              %s
              <context-param>
                <param-name>drain.token</param-name>
                <param-value>%s</param-value>
              </context-param>
              <servlet>
                <servlet-name>work</servlet-name>
                <servlet-class>io.tomcatdrain.filter.WarServlet</servlet-class>
              </servlet>
              <servlet-mapping>
                <servlet-name>work</servlet-name>
                <url-pattern>/</url-pattern>
              </servlet-mapping>
            </web-app>
            """.formatted(attributes, elements, TOKEN));
    }

    /** Puts another library into WEB-INF/lib, whose initializer adds a filter that wants to be the first, too. */
    private void addGuard(String jarName) throws IOException {
        try (var jar = new JarOutputStream(
                Files.newOutputStream(war.resolve("WEB-INF/lib").resolve(jarName)))) {
            for (Class<?> type : List.of(WarGuard.class, WarGuard.Initializer.class)) {
                String file = type.getName().replace('.', '/') + ".class";
                jar.putNextEntry(new ZipEntry(file));
                try (var in = type.getClassLoader().getResourceAsStream(file)) {
                    in.transferTo(jar);
                }
            }
            jar.putNextEntry(new ZipEntry("META-INF/services/" + ServletContainerInitializer.class.getName()));
            jar.write(WarGuard.Initializer.class.getName().getBytes(StandardCharsets.US_ASCII));
        }
    }

    /** Puts the jar of a class into WEB-INF/lib, or what will be its jar. */
    private static void addTo(Path info, Class<?> type, String name) throws IOException, URISyntaxException {
        Path home =
                Path.of(type.getProtectionDomain().getCodeSource().getLocation().toURI());
        Path lib = Files.createDirectories(info.resolve("lib")).resolve(name + ".jar");
        if (Files.isRegularFile(home)) {
            Files.copy(home, lib);
            return;
        }
        try (var jar = new JarOutputStream(Files.newOutputStream(lib));
                Stream<Path> files = Files.walk(home)) {
            for (Path file : files.filter(Files::isRegularFile).toList()) {
                jar.putNextEntry(new ZipEntry(home.relativize(file).toString()));
                Files.copy(file, jar);
            }
        }
    }

    @AfterEach
    void stop() throws Exception {
        tomcat.stop();
        tomcat.destroy();
    }

    private StandardContext deploy(String version) {
        StandardContext context = add(version);
        assertThat(context.getState().isAvailable()).isTrue();
        return context;
    }

    private StandardContext add(String version) {
        StandardContext context = new StandardContext();
        context.setName(version.isEmpty() ? "/shop" : "/shop##" + version);
        context.setPath("/shop");
        context.setWebappVersion(version);
        context.setDocBase(war.toString());
        ((StandardJarScanner) context.getJarScanner()).setScanClassPath(false);
        // The initializers on the class path of this test are not the server's: those of a server run first.
        context.setContainerSciFilter("^io\\.tomcatdrain\\.");
        ContextConfig config = new ContextConfig();
        config.setDefaultWebXml(tomcat.noDefaultWebXmlPath());
        context.addLifecycleListener(config);
        tomcat.getHost().addChild(context);
        return context;
    }

    private void undeploy(StandardContext context) {
        tomcat.getHost().removeChild(context);
    }

    private int port() {
        return tomcat.getConnector().getLocalPort();
    }

    private Answer command(String method, String path) throws IOException {
        return Http11Client.exchange(port(), Http11Client.head(method, path, AUTHORIZATION), new byte[0]);
    }

    private Http11Client beginUpload() throws IOException {
        return new Http11Client(port()).send(uploadHead()).send(new byte[SIZE / 2]);
    }

    private static String uploadHead() {
        return Http11Client.head(
                "POST", "/shop/upload", "Content-Type: multipart/form-data; boundary=x", "Content-Length: " + SIZE);
    }

    private Answer upload() throws IOException {
        return Http11Client.exchange(port(), uploadHead(), new byte[SIZE]);
    }

    private static void finish(Http11Client upload) throws IOException {
        Answer answer = upload.send(new byte[SIZE / 2]).answer();
        assertThat(answer.status()).as("%s", answer).isEqualTo(200);
        assertThat(answer.text()).isEqualTo(String.valueOf(SIZE));
    }

    private static ObjectName bean(String version) throws JMException {
        return new ObjectName("io.tomcatdrain:type=Drain,name=Tomcat/localhost/shop" + version);
    }

    private static Object show(String version, String attribute) throws JMException {
        return ManagementFactory.getPlatformMBeanServer().getAttribute(bean(version), attribute);
    }

    private static boolean isShown(String version) throws JMException {
        return ManagementFactory.getPlatformMBeanServer().isRegistered(bean(version));
    }

    private static void awaitUploads(String version, long count) {
        await().untilAsserted(() -> assertThat(((Number) show(version, "InFlightUploads")).longValue())
                .isEqualTo(count));
    }

    @Test
    void onlyTheJarIsNeeded() throws Exception {
        deploy("");
        try (Http11Client upload = beginUpload()) {
            awaitUploads("", 1);
            assertThat(command("POST", "/shop/drain?reason=upgrade").status()).isEqualTo(202);
            assertThat(command("GET", "/shop/drain/ready").status()).isEqualTo(503);
            Answer refused = upload();
            assertThat(refused.status()).isEqualTo(503);
            assertThat(refused.header("X-Drain")).isEqualTo("refused");
            assertThat(refused.header("X-Own")).as("the drain comes first").isNull();
            finish(upload);
            Answer over = command("POST", "/shop/drain?wait=25s");
            assertThat(over.text()).contains("\"name\":\"Tomcat/localhost/shop\"", "\"outcome\":\"DRAINED\"");
            assertThat(command("DELETE", "/shop/drain").status()).isEqualTo(200);
            assertThat(upload().header("X-Own")).isEqualTo("seen");
        }
    }

    /** Tomcat takes libraries in the order of a hash table; these names lie on both sides of the filter's. */
    @ParameterizedTest
    @ValueSource(strings = {"a.jar", "guard.jar", "spring-web-6.2.jar", "z.jar"})
    void theDrainComesBeforeFiltersOfOtherInitializers(String guardJar) throws Exception {
        addGuard(guardJar);
        theDrainComesBeforeTheGuard();
    }

    @ParameterizedTest
    @ValueSource(strings = {"guard.jar", "z.jar"})
    void soItDoesWhereWebXmlIsCompleteOrNamesIt(String guardJar) throws Exception {
        addGuard(guardJar);
        writeWebXml("metadata-complete=\"true\"", "");
        undeploy(theDrainComesBeforeTheGuard());
        writeWebXml("", "<absolute-ordering><name>io.tomcatdrain.filter</name><others/></absolute-ordering>");
        undeploy(theDrainComesBeforeTheGuard());
        writeWebXml(
                "metadata-complete=\"true\"",
                "<absolute-ordering><name>io.tomcatdrain.filter</name></absolute-ordering>");
        deploy("");
        assertThat(command("GET", "/shop/drain/ready").status()).isEqualTo(200);
        assertThat(upload().header("X-Guard")).as("not named: not run").isNull();
    }

    private StandardContext theDrainComesBeforeTheGuard() throws Exception {
        StandardContext context = deploy("");
        assertThat(command("GET", "/shop/").status()).as("the guard is there").isEqualTo(302);
        try (Http11Client upload = beginUpload()) {
            awaitUploads("", 1);
            assertThat(command("POST", "/shop/drain").status()).isEqualTo(202);
            Answer refused = upload();
            assertThat(refused.status()).as("%s", refused).isEqualTo(503);
            assertThat(refused.header("X-Guard")).isNull();
            finish(upload);
        }
        assertThat(command("POST", "/shop/drain?wait=25s").text()).contains("\"outcome\":\"DRAINED\"");
        assertThat(command("DELETE", "/shop/drain").status()).isEqualTo(200);
        Answer ready = command("GET", "/shop/drain/ready");
        assertThat(ready.status()).as("%s", ready).isEqualTo(200);
        return context;
    }

    private static final String LOGIN = """
        <security-constraint>
          <web-resource-collection><web-resource-name>%1$s</web-resource-name>%2$s</web-resource-collection>
          %3$s
        </security-constraint>
        """;

    private static String constraint(String resources, boolean login) {
        return LOGIN.formatted(
                "r", resources, login ? "<auth-constraint><role-name>user</role-name></auth-constraint>" : "");
    }

    private static final String SECURED = constraint("<url-pattern>/*</url-pattern>", true)
            + "<login-config><auth-method>BASIC</auth-method></login-config>"
            + "<security-role><role-name>user</role-name></security-role>";

    /** The container asks for the login before any filter is called. */
    @Test
    void anApplicationWhoseProbersWouldHaveToLogInDoesNotStartAndSaysWhatToDo() throws Exception {
        writeWebXml("", SECURED);
        try (CapturedLog log = new CapturedLog("io.tomcatdrain")) {
            assertThat(add("").getState().isAvailable()).isFalse();
            assertThat(log.lines())
                    .filteredOn(line -> line.contains("security-constraint for [/*]"))
                    .singleElement()
                    .asString()
                    .contains("[/shop/drain/ready]", "without an auth-constraint for the url-pattern [/drain/*]");
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "<url-pattern>/drain/*</url-pattern>",
                "<url-pattern>/drain/ready</url-pattern><url-pattern>/drain/live</url-pattern>",
                "<url-pattern>/*</url-pattern>"
            })
    void withAConstraintThatOpensTheEndpointsProbersAreAnswered(String open) throws Exception {
        writeWebXml("", SECURED + constraint(open, false));
        deploy("");
        Answer ready = Http11Client.get(port(), "/shop/drain/ready");
        assertThat(ready.status()).as("%s", ready).isEqualTo(200);
        assertThat(Http11Client.get(port(), "/shop/work").status()).isEqualTo(open.contains("drain") ? 401 : 200);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "<url-pattern>/admin/*</url-pattern>",
                "<url-pattern>*.jsp</url-pattern>",
                "<url-pattern>/drainage/*</url-pattern>",
                "<url-pattern>/*</url-pattern><http-method>POST</http-method>",
                "<url-pattern>/*</url-pattern><http-method-omission>GET</http-method-omission>"
            })
    void constraintsThatLetProbersThroughAreNoObstacle(String guarded) throws Exception {
        writeWebXml("", constraint(guarded, true));
        deploy("");
        assertThat(Http11Client.get(port(), "/shop/drain/ready").status()).isEqualTo(200);
    }

    @Test
    void aConstraintForTheEndpointsThemselvesIsMeant() throws Exception {
        writeWebXml("", SECURED + constraint("<url-pattern>/drain/*</url-pattern>", true));
        deploy("");
        assertThat(Http11Client.get(port(), "/shop/drain/ready").status()).isEqualTo(401);
    }

    /** Where the application names its libraries and leaves this one out, Tomcat runs none of it. */
    @ParameterizedTest
    @ValueSource(strings = {"<absolute-ordering/>", "<absolute-ordering><name>another</name></absolute-ordering>"})
    void anOrderThatLeavesTheFilterOutNeedsItsDeclaration(String ordering) throws Exception {
        writeWebXml("", ordering);
        StandardContext without = deploy("");
        assertThat(isShown("")).isFalse();
        undeploy(without);
        writeWebXml("", ordering + """
              <filter>
                <filter-name>drain</filter-name>
                <filter-class>io.tomcatdrain.filter.DrainFilter</filter-class>
                <async-supported>true</async-supported>
              </filter>
              <filter-mapping>
                <filter-name>drain</filter-name>
                <url-pattern>/*</url-pattern>
                <dispatcher>REQUEST</dispatcher>
                <dispatcher>ASYNC</dispatcher>
              </filter-mapping>
            """);
        deploy("");
        assertThat(command("GET", "/shop/drain/ready").status()).isEqualTo(200);
    }

    /** A library with a web-fragment.xml that does not say so itself makes an application undistributable. */
    @Test
    void anApplicationThatReplicatesItsSessionsGoesOnDoingSo() throws Exception {
        writeWebXml("", "<distributable/>");
        assertThat(deploy("").getDistributable()).isTrue();
    }

    /** An upload has no session that would keep the old version; the filter does. */
    @Test
    void oldVersionFinishesItsUploadsWhileTheNewOneServes() throws Exception {
        StandardContext old = deploy("1");
        try (Http11Client upload = beginUpload()) {
            awaitUploads("##1", 1);
            deploy("2");
            assertThat(upload().status()).isEqualTo(200);
            await().untilAsserted(
                            () -> assertThat(show("##2", "UploadsCompleted")).isEqualTo(1L));
            Background<Void> undeploying = Background.run(() -> undeploy(old));
            await().untilAsserted(() -> assertThat(show("##1", "State")).isEqualTo("DRAINING"));
            assertThat(upload().status()).isEqualTo(200);
            assertThat(undeploying.isOver()).isFalse();
            finish(upload);
            undeploying.result();
            assertThat(isShown("##1")).isFalse();
            assertThat(show("##2", "State")).isEqualTo("SERVING");
        }
    }

    /** Tomcat holds what comes during a reload, and gives it to the application afterwards. */
    @Test
    void reloadFinishesUploadsAndKeepsNewcomersWaiting() throws Exception {
        StandardContext context = deploy("");
        try (Http11Client upload = beginUpload()) {
            awaitUploads("", 1);
            Background<Void> reloading = Background.run(context::reload);
            await().untilAsserted(() -> assertThat(show("", "State")).isEqualTo("DRAINING"));
            Background<Answer> newcomer = Background.call(this::upload);
            finish(upload);
            reloading.result();
            assertThat(newcomer.result().status()).isEqualTo(200);
        }
    }

    @Test
    void redeploysLeaveNothingBehind() throws Exception {
        List<WeakReference<ClassLoader>> loaders = new ArrayList<>();
        for (int i = 0; i < 4; i++) {
            loaders.add(deployDrainAndUndeploy());
        }
        assertThat(isShown("")).isFalse();
        // The JDK keeps the last record type whose methods were linked (java.lang.runtime.ObjectMethods), and its
        // loader
        // with it, until the next is. What leaks would pile up.
        deployDrainAndUndeploy();
        await().untilAsserted(() -> {
            System.gc();
            assertThat(loaders).allMatch(loader -> loader.get() == null);
        });
    }

    private WeakReference<ClassLoader> deployDrainAndUndeploy() throws Exception {
        StandardContext context = deploy("");
        try (Http11Client upload = beginUpload()) {
            awaitUploads("", 1);
            assertThat(command("POST", "/shop/drain").status()).isEqualTo(202);
            assertThat(upload().status()).isEqualTo(503);
            assertThat(command("GET", "/shop/drain").text()).contains("\"state\":\"DRAINING\"");
            finish(upload);
        }
        assertThat(command("POST", "/shop/drain?wait=25s").status()).isEqualTo(200);
        var loader = new WeakReference<>(context.getLoader().getClassLoader());
        undeploy(context);
        return loader;
    }
}
