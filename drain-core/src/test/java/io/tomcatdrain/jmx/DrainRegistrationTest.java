package io.tomcatdrain.jmx;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.tuple;
import static org.awaitility.Awaitility.await;

import io.tomcatdrain.DrainSettings;
import io.tomcatdrain.DrainState;
import io.tomcatdrain.NodeDrain;
import io.tomcatdrain.ReadinessPoll;
import io.tomcatdrain.Ticket;
import java.lang.management.ManagementFactory;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.logging.Handler;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import java.util.stream.Stream;
import javax.management.Attribute;
import javax.management.InstanceNotFoundException;
import javax.management.JMX;
import javax.management.MBeanAttributeInfo;
import javax.management.MBeanFeatureInfo;
import javax.management.MBeanInfo;
import javax.management.MBeanOperationInfo;
import javax.management.MBeanServer;
import javax.management.MBeanServerConnection;
import javax.management.MBeanServerInvocationHandler;
import javax.management.Notification;
import javax.management.ObjectName;
import javax.management.RuntimeMBeanException;
import javax.management.StandardMBean;
import javax.management.openmbean.CompositeData;
import javax.management.openmbean.OpenType;
import javax.management.openmbean.TabularData;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Looks at a drain as a console does: over a socket, by names and open types. */
@SuppressWarnings("try") // what is opened in a try need not be named in it
class DrainRegistrationTest {
    private static final String TABLE = "ActiveUploads";

    private final MBeanServer local = ManagementFactory.getPlatformMBeanServer();
    private NodeDrain drain;
    private DrainRegistration registration;
    private RemoteJmx remote;
    private MBeanServerConnection console;
    private ObjectName bean;

    @BeforeEach
    void registerAndConnect() throws Exception {
        drain = new NodeDrain("jmx test", DrainSettings.of(Map.of("lameDuck", "off")));
        registration = DrainRegistration.register(drain);
        remote = new RemoteJmx();
        console = remote.connection();
        bean = new ObjectName("io.tomcatdrain:type=Drain,name=jmx test");
    }

    @AfterEach
    void disconnect() throws Exception {
        remote.close();
        registration.close();
        drain.close();
    }

    @Test
    void showsEveryNumberOfTheStatus() throws Exception {
        var upload = drain.enterUpload(new FixedUpload("/upload", 25, 100));
        drain.enterUpload(new FixedUpload("/upload", 40, 40)).close();
        drain.enterUpload(new FixedUpload("/upload", 7, 40)).close(true);
        drain.enterRequest().close();
        var request = drain.enterRequest();
        try (var hold = drain.hold("import")) {
            drain.start("upgrade");
            assertThat(drain.enterRequest()).isNull();

            assertThat(attributes())
                    .containsEntry("State", "DRAINING")
                    .containsEntry("Ready", false)
                    .containsEntry("Reason", "upgrade")
                    .containsEntry("InFlightUploads", 1L)
                    .containsEntry("InFlightRequests", 1L)
                    .containsEntry("Holds", 1L)
                    .containsEntry("UploadsCompleted", 1L)
                    .containsEntry("UploadsFailed", 1L)
                    .containsEntry("RequestsCompleted", 1L)
                    .containsEntry("Refused", 1L)
                    .containsEntry("UploadBytes", 72L);
            assertThat((long) console.getAttribute(bean, "LameDuckMillis"))
                    .isNotNegative()
                    .isLessThanOrEqualTo((long) console.getAttribute(bean, "DrainingMillis"));
            assertThat((long) console.getAttribute(bean, "RemainingMillis"))
                    .isPositive()
                    .isLessThanOrEqualTo(TimeUnit.MINUTES.toMillis(10));
        }
        upload.close();
        request.close();
    }

    private Map<String, Object> attributes() throws Exception {
        String[] names = Stream.of(console.getMBeanInfo(bean).getAttributes())
                .map(MBeanAttributeInfo::getName)
                .toArray(String[]::new);
        Map<String, Object> values = new java.util.TreeMap<>();
        console.getAttributes(bean, names).asList().forEach(one -> values.put(one.getName(), one.getValue()));
        return values;
    }

    @Test
    void showsAServingNodeAtRest() throws Exception {
        assertThat(attributes())
                .containsEntry("State", "SERVING")
                .containsEntry("Ready", true)
                .containsEntry("Reason", null)
                .containsEntry("DrainingMillis", 0L)
                .containsEntry("RemainingMillis", -1L)
                .containsEntry("LameDuckRemainingMillis", -1L);
    }

    @Test
    void showsTheUploadsAsATableByTheirId() throws Exception {
        var first = drain.enterUpload(new FixedUpload("/first", 25, 100));
        var second = drain.enterUpload(new FixedUpload(null, -1, -1));

        TabularData table = (TabularData) console.getAttribute(bean, "ActiveUploads");

        assertThat(console.getAttribute(bean, "EtaMillis"))
                .as("one has no length")
                .isEqualTo(-1L);
        assertThat(table.size()).isEqualTo(2);
        CompositeData row = (CompositeData) table.get(new Object[] {1L}).get("value");
        assertThat(row.get("id")).isEqualTo(1L);
        assertThat(row.get("method")).isEqualTo("POST");
        assertThat(row.get("path")).isEqualTo("/first");
        assertThat(row.get("remote")).isEqualTo("192.0.2.7");
        assertThat((String) row.get("started")).endsWith("Z");
        assertThat(row.get("bytesReceived")).isEqualTo(25L);
        assertThat(row.get("contentLength")).isEqualTo(100L);
        assertThat(row.containsKey("elapsedMillis")).isTrue();
        assertThat(row.containsKey("bytesPerSecond")).isTrue();
        assertThat(row.containsKey("etaMillis")).isTrue();
        assertThat(row.containsKey("stalledMillis")).isTrue();
        CompositeData unknown = (CompositeData) table.get(new Object[] {2L}).get("value");
        assertThat(unknown.get("path")).isNull();
        assertThat(unknown.get("bytesReceived")).isEqualTo(-1L);
        first.close();
        second.close();
    }

    /** The table is not made by the JDK's mapping of MXBeans, but must be what that would make. */
    @Test
    void theTableIsWhatTheMappingOfMXBeansWouldMake() throws Exception {
        drain.enterUpload(new FixedUpload("/first", 25, 100));
        drain.enterUpload(new FixedUpload(null, -1, -1));
        StandardMBean mapped = new StandardMBean(DrainRegistration.view(drain), DrainMXBean.class, true);

        // Both take the time of their own instant; now and then it is the same millisecond.
        await().pollInterval(Duration.ofMillis(1))
                .untilAsserted(() -> assertThat(local.getAttribute(bean, TABLE)).isEqualTo(mapped.getAttribute(TABLE)));
        TabularData table = (TabularData) local.getAttribute(bean, TABLE);
        assertThat(table.getTabularType()).isEqualTo(((TabularData) mapped.getAttribute(TABLE)).getTabularType());
    }

    @Test
    void theTableIsReadTogetherWithOthersAndWhatIsNoAttributeIsLeftOut() throws Exception {
        drain.enterUpload(new FixedUpload("/first", 25, 100));

        var values = console.getAttributes(bean, new String[] {"State", TABLE, "Nonsense"});

        assertThat(values.asList()).extracting(Attribute::getName).containsExactly("State", TABLE);
        assertThat((TabularData) values.asList().get(1).getValue())
                .returns(1, TabularData::size)
                .returns(true, table -> table.containsKey(new Object[] {1L}));
    }

    @Test
    void aProxyOfTheInterfaceReadsTheTableBack() throws Exception {
        var upload = drain.enterUpload(new FixedUpload("/first", 25, 100));

        DrainMXBean proxy = JMX.newMXBeanProxy(console, bean, DrainMXBean.class);

        assertThat(proxy.getActiveUploads().get(1L))
                .usingRecursiveComparison()
                .ignoringFields("elapsedMillis", "bytesPerSecond", "etaMillis", "stalledMillis")
                .isEqualTo(UploadInfo.of(drain.status().uploads().get(0)));
        assertThat(java.lang.reflect.Proxy.getInvocationHandler(proxy))
                .isInstanceOf(MBeanServerInvocationHandler.class);
        upload.close();
    }

    @Test
    void showsFilesOfSeveralRequestsAsATableByTheirId() throws Exception {
        open();

        assertThat(console.getAttribute(bean, "OpenUploadCount")).isEqualTo(1L);
        TabularData table = (TabularData) console.getAttribute(bean, "OpenUploads");
        assertThat(table.size()).isEqualTo(1);
        CompositeData row = (CompositeData) table.get(new Object[] {1L}).get("value");
        assertThat(row.get("path")).isEqualTo("/files");
        assertThat(row.get("bytesReceived")).isEqualTo(0L);
        assertThat(row.get("contentLength")).isEqualTo(100L);
    }

    /** Opens one, as a tus client does. */
    private void open() {
        Ticket.Part.Head head = new Ticket.Part.Head(
                Ticket.Part.Kind.WRITES,
                "POST",
                "/files",
                null,
                List.of(),
                null,
                true,
                false,
                true,
                new Ticket.Part.Progress(-1, 0, 100, -1, -1));
        Ticket ticket = drain.enterRequest(drain.part(head));
        ticket.part()
                .answered(
                        new Ticket.Part.Answer(201, List.of(new Ticket.Part.Name("/files/1", false)), -1, false, null));
        ticket.close();
    }

    @Test
    void usesOpenTypesOnly() throws Exception {
        MBeanInfo info = console.getMBeanInfo(bean);

        assertThat(Stream.of(info.getAttributes(), info.getOperations()).flatMap(Stream::of))
                .extracting(MBeanFeatureInfo::getDescriptor)
                .isNotEmpty()
                .allMatch(descriptor -> descriptor.getFieldValue("openType") instanceof OpenType);
        assertThat(info.getAttributes()).noneMatch(MBeanAttributeInfo::isWritable);
    }

    @Test
    void describesEverything() throws Exception {
        MBeanInfo info = console.getMBeanInfo(bean);

        assertThat(info.getDescription()).contains("Stops a node");
        for (MBeanAttributeInfo attribute : info.getAttributes()) {
            assertDescribed(attribute, attribute.getName());
        }
        for (MBeanOperationInfo operation : info.getOperations()) {
            assertDescribed(operation, operation.getName());
            Stream.of(operation.getSignature()).forEach(parameter -> assertDescribed(parameter, "p0"));
        }
        assertThat(info.getOperations())
                .filteredOn(operation -> operation.getSignature().length == 2)
                .flatExtracting(operation -> Stream.of(operation.getSignature())
                        .map(MBeanFeatureInfo::getName)
                        .toList())
                .containsExactly("reason", "timeout");
        assertThat(info.getNotifications())
                .singleElement()
                .satisfies(notification ->
                        assertThat(notification.getNotifTypes()).containsExactly("io.tomcatdrain.state"));
    }

    private static void assertDescribed(MBeanFeatureInfo feature, String meaningless) {
        assertThat(feature.getDescription())
                .as("description of %s", feature.getName())
                .hasSizeGreaterThan(10)
                .isNotEqualTo(meaningless)
                .doesNotStartWith("Attribute exposed")
                .doesNotStartWith("Operation exposed");
    }

    @Test
    void drainsAndResumes() throws Exception {
        console.invoke(bean, "drain", null, null);
        assertThat(drain.status().reason()).isEqualTo("JMX");
        assertThat(invoke("awaitDrained", "long", 10_000L)).isEqualTo(true);
        assertThat(drain.state()).isEqualTo(DrainState.DRAINED);

        console.invoke(bean, "resume", null, null);
        assertThat(drain.state()).isEqualTo(DrainState.SERVING);
        assertThat(invoke("awaitDrained", "long", 10_000L)).isEqualTo(false);
    }

    private Object invoke(String operation, String type, Object argument) throws Exception {
        return console.invoke(bean, operation, new Object[] {argument}, new String[] {type});
    }

    private void drain(String reason, String timeout) throws Exception {
        String string = String.class.getName();
        console.invoke(bean, "drain", new Object[] {reason, timeout}, new String[] {string, string});
    }

    @Test
    void drainsWithAReasonAndATimeout() throws Exception {
        var upload = drain.enterUpload(new FixedUpload("/upload", 25, 100));

        drain("new release", " 1h ");

        assertThat(drain.status().reason()).isEqualTo("new release");
        assertThat(drain.status().remainingMillis()).isGreaterThan(TimeUnit.MINUTES.toMillis(50));
        upload.close();
        assertThat(invoke("awaitDrained", "long", 10_000L)).isEqualTo(true);
    }

    @Test
    void drainsWithTheLimitsOfTheSettingsWithoutATimeout() throws Exception {
        var upload = drain.enterUpload(new FixedUpload("/upload", 25, 100));

        drain(null, null);
        assertThat(drain.status().reason()).isEqualTo("JMX");
        assertThat(drain.status().remainingMillis()).isLessThanOrEqualTo(TimeUnit.MINUTES.toMillis(10));

        drain("", "0s");
        assertThat(invoke("awaitDrained", "long", 10_000L)).isEqualTo(false);
        assertThat(console.getAttribute(bean, "State")).isEqualTo("EXPIRED");
        upload.close();
    }

    @Test
    void showsTheProbersAsTheStatusDoes() throws Exception {
        drain.pollReadiness(new ReadinessPoll("192.0.2.1", "balancer", "web", false));
        drain.pollReadiness(new ReadinessPoll("192.0.2.1", null, null, false));
        drain.start("upgrade");
        drain.pollReadiness(new ReadinessPoll("192.0.2.1", "balancer", "web", false));

        CompositeData[] probers = (CompositeData[]) console.getAttribute(bean, "Probers");
        assertThat(probers)
                .extracting(
                        each -> each.get("remote"),
                        each -> each.get("name"),
                        each -> each.get("agent"),
                        each -> each.get("seenDown"))
                .containsExactlyInAnyOrder(tuple("192.0.2.1", "web", "balancer", 1), tuple("192.0.2.1", null, null, 0));
        assertThat(proxy().getProbers())
                .extracting(DrainMXBean.ProberInfo::getName, DrainMXBean.ProberInfo::getSeenDown)
                .containsExactlyInAnyOrder(tuple("web", 1), tuple(null, 0));
    }

    @Test
    void showsHowTheLastDrainEnded() throws Exception {
        assertThat(console.getAttribute(bean, "Report")).isNull();
        var upload = drain.enterUpload(new FixedUpload("/upload", 25, 100));
        drain("upgrade", "0s");
        assertThat(invoke("awaitDrained", "long", 10_000L)).isEqualTo(false);

        CompositeData report = (CompositeData) console.getAttribute(bean, "Report");
        assertThat(report.get("outcome")).isEqualTo("EXPIRED");
        assertThat(report.get("reason")).isEqualTo("upgrade");
        assertThat(proxy().getReport().getAbandoned())
                .extracting(UploadInfo::getPath, UploadInfo::getBytesReceived)
                .containsExactly(tuple("/upload", 25L));
        assertThat(proxy().getReport().getDrainMillis())
                .isEqualTo(drain.status().report().drainMillis());
        upload.close();
    }

    @Test
    void undoesADrainAfterATime() throws Exception {
        proxy().drain("upgrade", "", "10ms");
        await().until(() -> drain.state() == DrainState.SERVING);
        proxy().drain("upgrade", null, null);
        assertThat(invoke("awaitDrained", "long", 10_000L)).isEqualTo(true);
    }

    @ParameterizedTest
    @ValueSource(strings = {"soon", "-1s", "0s", "PT0S"})
    void saysWhatIsWrongWithATimeAfterWhichItIsUndone(String resumeAfter) {
        assertThatThrownBy(() -> proxy().drain("upgrade", null, resumeAfter))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageStartingWith("resumeAfter [" + resumeAfter + "]: ");
        assertThat(drain.state()).isEqualTo(DrainState.SERVING);
    }

    private DrainMXBean proxy() {
        return JMX.newMXBeanProxy(console, bean, DrainMXBean.class);
    }

    @ParameterizedTest
    @ValueSource(strings = {"soon", "-1s", "99999999999h", "10 m"})
    void saysWhatIsWrongWithATimeout(String timeout) {
        assertThatThrownBy(() -> drain("new release", timeout))
                .isInstanceOf(RuntimeMBeanException.class)
                .cause()
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageStartingWith("timeout [" + timeout + "]: a duration ");
        assertThat(drain.state()).isEqualTo(DrainState.SERVING);
    }

    @Test
    void saysWhyAStoppingNodeCannotResume() {
        drain.startForStop("server stop", true);

        assertThatThrownBy(() -> console.invoke(bean, "resume", null, null))
                .isInstanceOf(RuntimeMBeanException.class)
                .cause()
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("the server is stopping");
    }

    @Test
    void sendsOneNotificationPerStateChangeInOrder() throws Exception {
        BlockingQueue<Notification> seen = new LinkedBlockingQueue<>();
        console.addNotificationListener(bean, (notification, handback) -> seen.add(notification), null, null);

        drain.start("upgrade");
        drain.awaitDrained(Duration.ofMillis(10_000));
        drain.resume();

        String[] states = {"SERVING", "LAME_DUCK", "DRAINING", "DRAINED", "SERVING"};
        for (int i = 1; i < states.length; i++) {
            Notification notification = seen.poll(30, TimeUnit.SECONDS);
            assertThat(notification).as("change to %s", states[i]).isNotNull();
            assertThat(notification.getType()).isEqualTo("io.tomcatdrain.state");
            assertThat(notification.getSource()).isEqualTo(bean);
            assertThat(notification.getSequenceNumber()).isEqualTo(i);
            assertThat(notification.getMessage()).isEqualTo("drain[jmx test] " + states[i - 1] + " -> " + states[i]);
            CompositeData change = (CompositeData) notification.getUserData();
            assertThat(change.get("name")).isEqualTo("jmx test");
            assertThat(change.get("oldState")).isEqualTo(states[i - 1]);
            assertThat(change.get("newState")).isEqualTo(states[i]);
        }
        assertThat(seen.poll(200, TimeUnit.MILLISECONDS)).isNull();
    }

    @Test
    void leavesNothingBehind() throws Exception {
        registration.close();
        registration.close();

        assertThat(local.queryNames(new ObjectName("io.tomcatdrain:*"), null)).isEmpty();
        assertThatThrownBy(() -> console.getAttribute(bean, "State")).isInstanceOf(InstanceNotFoundException.class);
    }

    @Test
    void aSecondOfTheSameNameIsNotShownAndSaysSo() throws Exception {
        AtomicReference<String> warned = new AtomicReference<>("");
        Logger logger = Logger.getLogger(DrainRegistration.class.getName());
        Handler handler = new Handler() {
            @Override
            public void publish(LogRecord line) {
                warned.set(line.getMessage());
            }

            @Override
            public void flush() {}

            @Override
            public void close() {}
        };
        logger.addHandler(handler);
        logger.setUseParentHandlers(false);
        try (var second = DrainRegistration.register(new NodeDrain("jmx test", DrainSettings.defaults()))) {
            assertThat(warned.get())
                    .contains("another drain of this process has the name [io.tomcatdrain:type=Drain,name=jmx test]");
        } finally {
            logger.removeHandler(handler);
            logger.setUseParentHandlers(true);
        }
        drain.start("upgrade");
        assertThat(console.getAttribute(bean, "Ready"))
                .as("the first is still shown")
                .isEqualTo(false);
    }

    @ParameterizedTest
    @ValueSource(strings = {"Catalina", "/", "/shop##2", "a,b=c:d", "what*", "said \"so\"", "two\nlines", ""})
    void everyNameIsPossible(String name) throws Exception {
        try (var shown = DrainRegistration.register(new NodeDrain(name, DrainSettings.defaults()))) {
            Set<ObjectName> names = local.queryNames(new ObjectName("io.tomcatdrain:type=Drain,*"), null);
            names.remove(bean);
            assertThat(names).singleElement().satisfies(one -> {
                String value = one.getKeyProperty("name");
                assertThat(value.startsWith("\"") ? ObjectName.unquote(value) : value)
                        .isEqualTo(name);
            });
        }
    }
}
