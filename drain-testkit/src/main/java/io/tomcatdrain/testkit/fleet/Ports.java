package io.tomcatdrain.testkit.fleet;

import java.io.IOException;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ThreadLocalRandom;

/**
 * Free ports on loopback, none given twice, neither here nor in another JVM that takes its ports from here while this one lives.
 *
 * <p>They lie below the range from which the kernel takes the ports of outgoing connections: a port of a stopped node
 * must still be free when the node comes back.
 */
public final class Ports {
    private static final int LOWEST = 12_000;
    private static final int END = 32_000;

    /** The UDP ports of the same numbers, which nobody else needs: who has one has the TCP port, even before a server listens there. */
    private static final Queue<DatagramSocket> CLAIMS = new ConcurrentLinkedQueue<>();

    private Ports() {}

    public static int free() {
        while (true) {
            int port = ThreadLocalRandom.current().nextInt(LOWEST, END);
            if (claim(port) && canBind(port)) {
                return port;
            }
        }
    }

    private static boolean claim(int port) {
        try {
            return CLAIMS.add(new DatagramSocket(port, InetAddress.getLoopbackAddress()));
        } catch (IOException taken) {
            return false;
        }
    }

    private static boolean canBind(int port) {
        try (var socket = new ServerSocket(port, 1, InetAddress.getLoopbackAddress())) {
            return socket.isBound();
        } catch (IOException taken) {
            return false;
        }
    }
}
