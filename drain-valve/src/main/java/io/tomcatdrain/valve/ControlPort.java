package io.tomcatdrain.valve;

import java.util.Arrays;
import java.util.List;
import org.apache.catalina.Service;
import org.apache.catalina.connector.Connector;
import org.apache.coyote.ajp.AbstractAjpProtocol;
import org.jspecify.annotations.Nullable;

/**
 * Which connectors {@code controlPort} means: those that listen on that port, {@code portOffset} included, and those that server.xml
 * gives that port, which {@code portOffset} moves elsewhere.
 */
final class ControlPort {
    private ControlPort() {}

    /** Returns true if that port is the connector's; false for every connector if it is null. */
    static boolean isOf(Connector connector, @Nullable Integer port) {
        return port != null && (isConfigured(connector, port) || listens(connector, port));
    }

    /**
     * Checks that the port means connectors of the service, and not a different one by each of its readings.
     *
     * @param port null: nothing to check
     * @throws IllegalArgumentException if it does not
     */
    static void require(@Nullable Integer port, Service service) {
        if (port == null) {
            return;
        }
        Connector configured = null;
        Connector listening = null;
        for (Connector connector : service.findConnectors()) {
            if (isConfigured(connector, port) && listens(connector, port)) {
                return;
            }
            configured = isConfigured(connector, port) ? connector : configured;
            listening = listens(connector, port) ? connector : listening;
        }
        if (configured == null && listening == null) {
            throw new IllegalArgumentException(
                    "controlPort [" + port + "]: no connector of service [" + service.getName()
                            + "] has that port; add one, or leave controlPort out to be answered on every connector");
        }
        if (configured != null && listening != null) {
            throw new IllegalArgumentException("controlPort [" + port + "] is the port attribute of [" + configured
                    + "], and with portOffset [" + listening.getPortOffset() + "] that of [" + listening
                    + "], so that it could mean either; give the connector for control another port");
        }
    }

    /** Returns true if only connectors of AJP have that port, at which nothing that speaks HTTP can ask. */
    static boolean isOfAjpOnly(@Nullable Integer port, Service service) {
        List<Connector> meant = Arrays.stream(service.findConnectors())
                .filter(connector -> isOf(connector, port))
                .toList();
        return !meant.isEmpty()
                && meant.stream().allMatch(each -> each.getProtocolHandler() instanceof AbstractAjpProtocol);
    }

    private static boolean isConfigured(Connector connector, int port) {
        return connector.getPort() == port;
    }

    private static boolean listens(Connector connector, int port) {
        return connector.getPortWithOffset() == port;
    }
}
