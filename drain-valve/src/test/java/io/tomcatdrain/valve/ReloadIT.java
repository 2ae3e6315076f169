package io.tomcatdrain.valve;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.tomcatdrain.DrainState;
import io.tomcatdrain.testkit.AjpClient;
import io.tomcatdrain.testkit.Answer;
import io.tomcatdrain.testkit.App;
import io.tomcatdrain.testkit.Background;
import io.tomcatdrain.testkit.CapturedLog;
import io.tomcatdrain.testkit.Http11Client;
import io.tomcatdrain.testkit.Http2Client;
import io.tomcatdrain.testkit.SlowUpload;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.jar.JarOutputStream;
import java.util.stream.Stream;
import org.apache.catalina.Container;
import org.apache.catalina.Context;
import org.apache.catalina.Lifecycle;
import org.apache.catalina.LifecycleState;
import org.apache.catalina.connector.Connector;
import org.apache.catalina.core.StandardContext;
import org.apache.catalina.core.StandardHost;
import org.apache.catalina.manager.ManagerServlet;
import org.apache.catalina.startup.HostConfig;
import org.apache.catalina.startup.Tomcat;
import org.apache.tomcat.util.scan.StandardJarScanner;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * While one application waits for its uploads before it stops or reloads, nobody else is held: not by a thread that Tomcat keeps for each
 * newcomer to it, and not by a lock. The application is ROOT, to which the paths of the endpoints belong, too.
 */
class ReloadIT {
    private static final String TOKEN = "a-token-for-the-tests";

    private static final int THREADS = 6;

    /** More than there are threads. */
    private static final int NEWCOMERS = 2 * THREADS;

    /** How an operator lets ROOT reload. */
    enum Reload {
        MANAGER {
            @Override
            void begin(TestServer server) throws Exception {
                manager(server, "reload?path=/");
            }
        },
        JMX {
            @Override
            void begin(TestServer server) throws Exception {
                reload(root(server));
            }
        },
        WATCHED_RESOURCE {
            @Override
            void begin(TestServer server) throws Exception {
                touch(descriptor(server));
            }
        },
        CHANGED_CLASSES {
            @Override
            void begin(TestServer server) throws Exception {
                root(server).setReloadable(true);
                Path library = Files.createDirectories(descriptor(server).resolveSibling("lib"));
                new JarOutputStream(Files.newOutputStream(library.resolve("new.jar"))).close();
            }
        };

        /** Returns at once or when it is over. */
        abstract void begin(TestServer server) throws Exception;
    }

    /** How it goes otherwise. */
    enum Removal {
        MANAGER_STOP {
            @Override
            void begin(TestServer server) throws Exception {
                manager(server, "stop?path=/");
            }
        },
        MANAGER_UNDEPLOY {
            @Override
            void begin(TestServer server) throws Exception {
                manager(server, "undeploy?path=/");
            }
        },
        UPDATE {
            @Override
            void begin(TestServer server) throws Exception {
                ByteArrayOutputStream war = new ByteArrayOutputStream();
                new JarOutputStream(war).close();
                Answer answer = Http11Client.exchange(
                        server.otherPort(),
                        Http11Client.head(
                                "PUT", "/manager/text/deploy?path=/&update=true", "Content-Length: " + war.size()),
                        war.toByteArray());
                assertThat(answer.text()).startsWith("OK");
            }
        },
        /** The newer version has come, and nobody has a session with the older one. */
        NEWER_VERSION {
            @Override
            void begin(TestServer server) throws Exception {
                ((StandardHost) server.tomcat().getHost()).setUndeployOldVersions(true);
                writeDescriptor(server.directory().resolve("webapps/ROOT##2"));
            }
        },
        HOST_STOP {
            @Override
            void begin(TestServer server) throws Exception {
                server.tomcat().getHost().stop();
            }
        };

        abstract void begin(TestServer server) throws Exception;
    }

    private static Path descriptor(TestServer server) {
        return server.directory().resolve("webapps/ROOT/WEB-INF/web.xml");
    }

    private static void writeDescriptor(Path application) throws IOException {
        Path file = Files.createDirectories(application.resolve("WEB-INF")).resolve("web.xml");
        Files.writeString(
                file,
                "<web-app xmlns='https://jakarta.ee/xml/ns/jakartaee' version='6.0' metadata-complete='true'>"
                        + "<absolute-ordering/></web-app>");
        Files.setLastModifiedTime(file, FileTime.from(Instant.now().minusSeconds(600)));
    }

    /** Changes the time of a file to one that Tomcat takes seriously: not of this second. */
    private static void touch(Path file) throws IOException {
        Files.setLastModifiedTime(file, FileTime.from(Instant.now().minusSeconds(60)));
    }

    private static void manager(TestServer server, String command) throws IOException {
        Answer answer = Http11Client.get(server.otherPort(), "/manager/text/" + command);
        assertThat(answer.text()).startsWith("OK");
    }

    private static void reload(Context context) throws Exception {
        ManagementFactory.getPlatformMBeanServer()
                .invoke(context.getObjectName(), "reload", new Object[0], new String[0]);
    }

    private static StandardContext root(TestServer server) {
        return (StandardContext) server.tomcat().getHost().findChild("");
    }

    /** Lets Tomcat deploy the application as ROOT from a directory, beside /app and the Manager, with few threads. */
    private static TestServer.Builder deployed(TestServer.Position position) {
        return TestServer.with(position).set("token", TOKEN).customize(server -> {
            for (Connector connector : server.tomcat().getService().findConnectors()) {
                connector.setProperty("maxThreads", Integer.toString(THREADS));
            }
            try {
                writeDescriptor(server.directory().resolve("webapps/ROOT"));
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
            Container host = server.tomcat().getHost();
            host.addLifecycleListener(new HostConfig());
            host.addContainerListener(event -> {
                if (Container.ADD_CHILD_EVENT.equals(event.getType())
                        && event.getData() instanceof Context added
                        && added.getPath().isEmpty()) {
                    ((StandardJarScanner) added.getJarScanner()).setScanClassPath(false);
                    added.setContainerSciFilter(".*"); // the application brings its own
                    added.addWatchedResource("WEB-INF/web.xml"); // as Tomcat's own conf/context.xml does
                    TestServer.install(added, server.directory().toFile(), server.app());
                }
            });
            server.tomcat().getEngine().setBackgroundProcessorDelay(1);
            Context manager =
                    server.tomcat().addContext("/manager", server.directory().toString());
            manager.setPrivileged(true);
            Tomcat.addServlet(manager, "text", ManagerServlet.class.getName()).addMapping("/text/*");
        });
    }

    /** Counts an event of a component's life. */
    private static AtomicInteger count(Lifecycle component, String event) {
        AtomicInteger count = new AtomicInteger();
        component.addLifecycleListener(seen -> {
            if (event.equals(seen.getType())) {
                count.incrementAndGet();
            }
        });
        return count;
    }

    /** Waits until the context waits for its uploads; fails as the command failed that should bring it there. */
    private static void awaitWaiting(Context context, Background<Void> command) {
        await().until(() -> {
            if (command.isOver()) {
                command.result();
            }
            return context.getState() == LifecycleState.STOPPING_PREP;
        });
    }

    /** Sends more requests than there are threads, all at once, and returns the answers. */
    private static List<Answer> newcomers(TestServer server, String path) throws Exception {
        List<Background<Answer>> all = Stream.generate(
                        () -> Background.call(() -> Http11Client.get(server.port(), path)))
                .limit(NEWCOMERS)
                .toList();
        List<Answer> answers = new ArrayList<>();
        for (Background<Answer> each : all) {
            answers.add(each.result());
        }
        return answers;
    }

    private static Answer post(TestServer server, String path, String type) throws IOException {
        byte[] body = App.multipart(1_000);
        return Http11Client.exchange(
                server.port(),
                Http11Client.head("POST", path, "Content-Type: " + type, "Content-Length: " + body.length),
                body);
    }

    private static void assertRefused(Answer answer) {
        assertThat(answer.status()).as("%s", answer).isEqualTo(503);
        assertThat(answer.header("X-Drain")).isEqualTo("refused");
        assertThat(answer.header("Retry-After")).isNotNull();
    }

    private static void assertServed(Answer answer) {
        assertThat(answer.status()).as("%s", answer).isEqualTo(200);
    }

    private static void assertOthersAreServed(TestServer server) throws IOException {
        assertServed(Http11Client.get(server.port(), "/app/ok"));
        assertServed(post(server, "/app/upload", App.MULTIPART));
        assertEndpointsAnswer(server);
    }

    private static void assertEndpointsAnswer(TestServer server) throws IOException {
        assertServed(Http11Client.get(server.port(), "/drain/ready"));
        assertServed(Http11Client.get(server.port(), "/drain/live"));
        assertServed(Http11Client.get(server.port(), "/drain", "Authorization: Bearer " + TOKEN));
    }

    // ---------------------------------------------------------------- reload

    @Tag("oldest")
    @Test
    void newcomersAreRefusedWhileItWaitsAndAllElseIsServed() throws Exception {
        refusesNewcomersAlone(TestServer.Position.ENGINE, Reload.MANAGER);
    }

    @ParameterizedTest
    @CsvSource({"ENGINE, JMX", "ENGINE, WATCHED_RESOURCE", "ENGINE, CHANGED_CLASSES", "HOST, JMX"})
    void theyAreHoweverItIsReloaded(TestServer.Position position, Reload kind) throws Exception {
        refusesNewcomersAlone(position, kind);
    }

    private static void refusesNewcomersAlone(TestServer.Position position, Reload kind) throws Exception {
        try (TestServer server = deployed(position).start();
                SlowUpload elsewhere = SlowUpload.begin(server, "/app/async/upload");
                SlowUpload blocking = SlowUpload.begin(server, "/upload");
                SlowUpload nonBlocking = SlowUpload.begin(server, "/async/upload")) {
            StandardContext root = root(server);
            AtomicInteger started = count(root, Lifecycle.AFTER_START_EVENT);
            Background<Void> reload = Background.run(() -> kind.begin(server));
            awaitWaiting(root, reload);

            int calls = server.app().calls.get();
            newcomers(server, "/ok").forEach(ReloadIT::assertRefused);
            assertRefused(Http2Client.get(server.port(), "/ok"));
            assertRefused(AjpClient.get(server.ajpPort(), "/ok"));
            assertRefused(post(server, "/upload", App.MULTIPART));
            assertRefused(post(server, "/ok", "application/x-www-form-urlencoded"));
            assertRefused(Http11Client.get(server.port(), "/nowhere"));
            assertThat(server.app().calls).hasValue(calls);
            assertThat(server.drain().status().totals().refused()).isEqualTo(NEWCOMERS + 5);
            assertThat(server.drain().status().inFlight().uploads()).isEqualTo(3);
            assertOthersAreServed(server);
            assertThat(server.drain().state()).isEqualTo(DrainState.SERVING);

            blocking.finishWhole();
            assertRefused(Http11Client.get(server.port(), "/ok"));
            assertThat(root.getState()).isEqualTo(LifecycleState.STOPPING_PREP);
            nonBlocking.finishWhole();
            reload.result();
            await().until(() -> started.get() == 1);
            newcomers(server, "/ok").forEach(ReloadIT::assertServed);
            assertServed(post(server, "/upload", App.MULTIPART));
            elsewhere.finishWhole();
            assertThat(server.drain().status().totals().uploadsFailed()).isZero();
        }
    }

    @Test
    void pagesAreServedWhileItWaitsWhereOnlyUploadsAreRefused() throws Exception {
        try (TestServer server = deployed(TestServer.Position.ENGINE)
                        .set("refuse", "uploads")
                        .start();
                SlowUpload upload = SlowUpload.begin(server, "/upload")) {
            StandardContext root = root(server);
            Background<Void> reload = Background.run(() -> Reload.JMX.begin(server));
            awaitWaiting(root, reload);
            newcomers(server, "/ok").forEach(ReloadIT::assertServed);
            assertRefused(post(server, "/upload", App.MULTIPART));
            assertOthersAreServed(server);
            upload.finishWhole();
            reload.result();
            assertServed(Http11Client.get(server.port(), "/ok"));
        }
    }

    /** A request may even be for an application whose servlets Tomcat has forgotten: here the valve comes later than Tomcat's own watch. */
    @ParameterizedTest
    @ValueSource(strings = {"all", "uploads"})
    void newcomersAreRefusedWhereTomcatKnowsNoServletAnyMore(String refuse) throws Exception {
        try (TestServer server = deployed(TestServer.Position.ENGINE).start()) {
            DrainValve late = new DrainValve();
            late.setLameDuck("off");
            late.setRefuse(refuse);
            late.setPath("/late");
            server.tomcat().getEngine().getPipeline().removeValve(server.valve());
            server.tomcat().getEngine().getPipeline().addValve(late);
            try (SlowUpload upload = SlowUpload.begin(server, "/upload")) {
                StandardContext root = root(server);
                Background<Void> reload = Background.run(() -> Reload.JMX.begin(server));
                awaitWaiting(root, reload);
                newcomers(server, "/ok").forEach(ReloadIT::assertRefused);
                assertServed(Http11Client.get(server.port(), "/late/ready"));
                assertServed(Http11Client.get(server.port(), "/app/ok"));
                upload.finishWhole();
                reload.result();
                assertServed(Http11Client.get(server.port(), "/ok"));
            }
        }
    }

    @Test
    void newcomersAreRefusedByAValveInTheContextItself() throws Exception {
        try (TestServer server = deployed(TestServer.Position.CONTEXT).start();
                SlowUpload blocking = SlowUpload.begin(server, "/app/upload");
                SlowUpload nonBlocking = SlowUpload.begin(server, "/app/async/upload")) {
            Context reloading = server.context();
            Background<Void> reload = Background.run(() -> reload(reloading));
            awaitWaiting(reloading, reload);
            newcomers(server, "/app/ok").forEach(ReloadIT::assertRefused);
            assertThat(Http11Client.get(server.port(), "/app/drain/ready").status())
                    .isEqualTo(503);
            assertServed(Http11Client.get(server.port(), "/app/drain/live"));
            assertServed(Http11Client.get(server.port(), "/ok"));
            blocking.finishWhole();
            assertThat(reloading.getState()).isEqualTo(LifecycleState.STOPPING_PREP);
            nonBlocking.finishWhole();
            reload.result();
            newcomers(server, "/app/ok").forEach(ReloadIT::assertServed);
            assertServed(Http11Client.get(server.port(), "/app/drain/ready"));
        }
    }

    /** The reload itself is Tomcat's: a newcomer waits for the new application, whether we waited before or not. */
    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void newcomersOfTheReloadItselfAreServedAfterIt(boolean withUpload) throws Exception {
        try (TestServer server = deployed(TestServer.Position.ENGINE).start()) {
            StandardContext root = root(server);
            CountDownLatch starting = new CountDownLatch(1);
            CountDownLatch mayStart = new CountDownLatch(1);
            // Earlier, while it has no ServletContext, Tomcat makes newcomers wait for a lock and answers 404.
            root.addLifecycleListener(event -> {
                if (Lifecycle.CONFIGURE_START_EVENT.equals(event.getType())) {
                    starting.countDown();
                    try {
                        mayStart.await();
                    } catch (InterruptedException interrupted) {
                        Thread.currentThread().interrupt();
                    }
                }
            });
            Background<Void> reload;
            if (withUpload) {
                try (SlowUpload upload = SlowUpload.begin(server, "/upload")) {
                    reload = Background.run(() -> Reload.JMX.begin(server));
                    awaitWaiting(root, reload);
                    upload.finishWhole();
                }
            } else {
                reload = Background.run(() -> Reload.JMX.begin(server));
            }
            starting.await();
            assertThat(root.getPaused()).isTrue();
            Background<Answer> newcomer = Background.call(() -> Http11Client.get(server.port(), "/ok"));
            // Asleep in Tomcat.
            await().until(() -> Thread.getAllStackTraces().values().stream()
                    .anyMatch(stack -> Stream.of(stack)
                            .anyMatch(frame -> frame.getMethodName().equals("postParseRequest"))));
            mayStart.countDown();
            assertServed(newcomer.result());
            reload.result();
            assertThat(server.drain().status().totals().refused()).isZero();
        }
    }

    /** A Tomcat of the future, whose pause is kept elsewhere. */
    private static final class OtherwisePaused extends StandardContext {
        private volatile boolean pausedOtherwise;

        @Override
        public synchronized void reload() {
            pausedOtherwise = true;
            super.reload();
            pausedOtherwise = false;
        }

        @Override
        public boolean getPaused() {
            return pausedOtherwise;
        }
    }

    @ParameterizedTest
    @EnumSource(
            value = TestServer.Position.class,
            names = {"ENGINE", "CONTEXT"})
    void whereThePauseCannotBeTakenOffItWaitsNoLongerThanTomcat(TestServer.Position position) throws Exception {
        StandardContext other = new OtherwisePaused();
        DrainValve own = new DrainValve();
        own.setLameDuck("off");
        try (CapturedLog log = new CapturedLog(ContextPause.class.getName());
                TestServer server = deployed(
                                position == TestServer.Position.CONTEXT
                                        ? TestServer.Position.HOST
                                        : TestServer.Position.ENGINE)
                        .customize(each -> {
                            other.setPath("/other");
                            other.setName("/other");
                            other.setDocBase(each.directory().toString());
                            other.addLifecycleListener(new Tomcat.FixContextListener());
                            TestServer.install(other, each.directory().toFile(), each.app());
                            if (position == TestServer.Position.CONTEXT) {
                                each.tomcat().getHost().getPipeline().removeValve(each.valve());
                                other.getPipeline().addValve(own);
                            }
                            each.tomcat().getHost().addChild(other);
                        })
                        .start()) {
            SlowUpload upload = SlowUpload.begin(server, "/other/async/upload");
            try {
                Background<Void> reload = Background.run(other::reload);
                reload.result(); // though nothing more of the upload has come
                assertThat(log.warnings()).singleElement().asString().contains("[/other]");
                assertServed(Http11Client.get(server.port(), "/other/ok"));
            } finally {
                upload.close();
            }
        }
    }

    // ---------------------------------------------------------------- other stops

    @ParameterizedTest
    @EnumSource
    void nobodyIsHeldWhileAnApplicationThatGoesWaits(Removal kind) throws Exception {
        try (TestServer server = deployed(TestServer.Position.ENGINE).start();
                SlowUpload blocking = SlowUpload.begin(server, "/upload");
                SlowUpload nonBlocking = SlowUpload.begin(server, "/async/upload")) {
            StandardContext root = root(server);
            AtomicInteger stopped = count(root, Lifecycle.AFTER_STOP_EVENT);
            Background<Void> removal = Background.run(() -> kind.begin(server));
            awaitWaiting(root, removal);
            assertThat(newcomers(server, "/ok")).extracting(Answer::status).doesNotContain(Answer.NONE);
            if (kind == Removal.HOST_STOP) {
                assertEndpointsAnswer(server);
            } else {
                assertThat(post(server, "/upload", App.MULTIPART).status()).isNotEqualTo(Answer.NONE);
                assertOthersAreServed(server);
            }
            blocking.finishWhole();
            assertThat(root.getState()).isEqualTo(LifecycleState.STOPPING_PREP);
            nonBlocking.finishWhole();
            removal.result();
            await().until(() -> stopped.get() == 1);
            assertThat(server.drain().status().totals().uploadsFailed()).isZero();
        }
    }

    /** Session expiry and automatic deployment of all applications are one thread's work. */
    @ParameterizedTest
    @ValueSource(strings = {"reload", "stop", "undeploy"})
    void tomcatsBackgroundThreadGoesOnMeanwhile(String command) throws Exception {
        try (TestServer server = deployed(TestServer.Position.ENGINE).start();
                SlowUpload upload = SlowUpload.begin(server, "/async/upload")) {
            StandardContext root = root(server);
            int delay = root.getBackgroundProcessorDelay();
            AtomicInteger passes = count(server.tomcat().getHost(), Lifecycle.PERIODIC_EVENT);
            AtomicInteger passesElsewhere = count(server.context(), Lifecycle.PERIODIC_EVENT);
            Background<Void> removal = Background.run(() -> manager(server, command + "?path=/"));
            awaitWaiting(root, removal);
            int before = passes.get();
            int beforeElsewhere = passesElsewhere.get();
            await().until(() -> passes.get() >= before + 2 && passesElsewhere.get() >= beforeElsewhere + 2);
            upload.finishWhole();
            removal.result();
            assertThat(root.getBackgroundProcessorDelay()).isEqualTo(delay);
        }
    }

    /** Also where that thread itself does the reload, for a changed file, and waits inside it. */
    @Test
    void theWorkOfThatThreadGoesOnWhereItReloadsByItself() throws Exception {
        try (TestServer server = deployed(TestServer.Position.ENGINE).start();
                SlowUpload upload = SlowUpload.begin(server, "/async/upload")) {
            StandardContext root = root(server);
            AtomicInteger started = count(root, Lifecycle.AFTER_START_EVENT);
            AtomicInteger passesElsewhere = count(server.context(), Lifecycle.PERIODIC_EVENT);
            Reload.WATCHED_RESOURCE.begin(server);
            await().until(() -> root.getState() == LifecycleState.STOPPING_PREP);
            int before = passesElsewhere.get();
            await().until(() -> passesElsewhere.get() >= before + 2);
            assertThat(root.getState()).isEqualTo(LifecycleState.STOPPING_PREP);
            upload.finishWhole();
            await().until(() -> started.get() == 1);
            await().until(() -> Thread.getAllStackTraces().keySet().stream()
                    .noneMatch(thread -> thread.getName().startsWith("drain-background")));
        }
    }

    /** An operator whose client gave up tries again while the first command still waits. */
    @ParameterizedTest
    @EnumSource(
            value = Removal.class,
            names = {"UPDATE", "MANAGER_UNDEPLOY"})
    void aSecondTryIsToldAtOnce(Removal kind) throws Exception {
        try (TestServer server = deployed(TestServer.Position.ENGINE).start();
                SlowUpload upload = SlowUpload.begin(server, "/upload")) {
            StandardContext root = root(server);
            Background<Void> first = Background.run(() -> kind.begin(server));
            awaitWaiting(root, first);
            assertThatThrownBy(() -> kind.begin(server)).hasMessageContaining("FAIL");
            assertThat(first.isOver()).isFalse();
            upload.finishWhole();
            first.result();
        }
    }

    @Test
    void everyReloadBeginsAnew() throws Exception {
        try (TestServer server = deployed(TestServer.Position.ENGINE).start()) {
            StandardContext root = root(server);
            for (int round = 0; round < 3; round++) {
                try (SlowUpload upload = SlowUpload.begin(server, "/upload")) {
                    Background<Void> reload = Background.run(() -> Reload.JMX.begin(server));
                    awaitWaiting(root, reload);
                    assertRefused(Http11Client.get(server.port(), "/ok"));
                    upload.finishWhole();
                    reload.result();
                }
                assertServed(Http11Client.get(server.port(), "/ok"));
                assertServed(post(server, "/upload", App.MULTIPART));
            }
        }
    }

    @Test
    void serverStopsWhileAnApplicationWaits() throws Exception {
        try (TestServer server = deployed(TestServer.Position.ENGINE).start();
                SlowUpload upload = SlowUpload.begin(server, "/upload")) {
            Background<Void> reload = Background.run(() -> Reload.JMX.begin(server));
            awaitWaiting(root(server), reload);
            Background<Void> stop = Background.run(server.tomcat()::stop);
            await().until(() -> server.drain().state() == DrainState.DRAINING);
            assertRefused(Http11Client.get(server.port(), "/ok"));
            upload.finishWhole();
            reload.result();
            stop.result();
        }
    }
}
