package io.tomcatdrain.valve;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.apache.catalina.Service;
import org.apache.catalina.connector.Connector;
import org.apache.catalina.core.StandardService;
import org.junit.jupiter.api.Test;

/** Each connector is named by its port in server.xml and by {@code portOffset}. */
class ControlPortTest {
    private static Connector connector(int port, int offset) {
        Connector connector = new Connector();
        connector.setPort(port);
        connector.setPortOffset(offset);
        return connector;
    }

    private static Service service(Connector... connectors) {
        Service service = new StandardService();
        service.setName("Catalina");
        for (Connector connector : connectors) {
            service.addConnector(connector);
        }
        return service;
    }

    @Test
    void meansThePortOfServerXmlAndTheOneThatListens() {
        Connector moved = connector(8190, 100);
        assertThat(ControlPort.isOf(moved, 8190)).isTrue();
        assertThat(ControlPort.isOf(moved, 8290)).isTrue();
        assertThat(ControlPort.isOf(moved, 8090)).isFalse();
        assertThat(ControlPort.isOf(moved, null)).isFalse();
    }

    @Test
    void isAcceptedByEitherReading() {
        Service service = service(connector(8080, 100), connector(8190, 100));
        assertThatCode(() -> ControlPort.require(8190, service)).doesNotThrowAnyException();
        assertThatCode(() -> ControlPort.require(8290, service)).doesNotThrowAnyException();
        assertThatCode(() -> ControlPort.require(null, service)).doesNotThrowAnyException();
    }

    /** As where one connector is bound to several addresses. */
    @Test
    void mayMeanSeveralConnectors() {
        Service service = service(connector(8080, 0), connector(8190, 0), connector(8190, 0));
        assertThatCode(() -> ControlPort.require(8190, service)).doesNotThrowAnyException();
    }

    @Test
    void ofNoConnectorIsRefused() {
        assertThatThrownBy(() -> ControlPort.require(8191, service(connector(8080, 100), connector(8190, 100))))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContainingAll("controlPort [8191]", "no connector of service [Catalina]");
    }

    /** Control must not be answered on the public connector because its offset port happens to be the configured one of control's. */
    @Test
    void thatCouldMeanTwoDifferentConnectorsIsRefused() {
        assertThatThrownBy(() -> ControlPort.require(8180, service(connector(8080, 100), connector(8180, 100))))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContainingAll("controlPort [8180]", "-8180", "-8280", "portOffset [100]", "another port");
    }

    @Test
    void ofAnAjpConnectorIsReachedByNothingThatSpeaksHttp() {
        Connector ajp = new Connector("AJP/1.3");
        ajp.setPort(8009);
        Service service = service(connector(8080, 0), ajp);
        assertThat(ControlPort.isOfAjpOnly(8009, service)).isTrue();
        assertThat(ControlPort.isOfAjpOnly(8080, service)).isFalse();
        assertThat(ControlPort.isOfAjpOnly(null, service)).isFalse();
    }
}
