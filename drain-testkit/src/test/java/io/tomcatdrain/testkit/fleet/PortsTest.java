package io.tomcatdrain.testkit.fleet;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.net.BindException;
import java.net.DatagramSocket;
import java.net.InetAddress;
import org.junit.jupiter.api.Test;

final class PortsTest {
    @Test
    void anotherJvmCannotClaimAPortThatWasGivenHere() {
        int port = Ports.free();
        assertThatThrownBy(() -> new DatagramSocket(port, InetAddress.getLoopbackAddress()))
                .isInstanceOf(BindException.class);
    }
}
