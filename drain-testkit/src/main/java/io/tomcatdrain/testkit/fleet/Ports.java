package io.tomcatdrain.testkit.fleet;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ThreadLocalRandom;

/**
 * Free ports on loopback, none given twice.
 *
 * <p>They lie below the range from which the kernel takes the ports of outgoing connections: a port of a stopped node
 * must still be free when the node comes back.
 */
public final class Ports {
    private static final int LOWEST = 12_000;
    private static final int END = 32_000;
    private static final Set<Integer> GIVEN = ConcurrentHashMap.newKeySet();

    private Ports() {}

    public static int free() {
        while (true) {
            int port = ThreadLocalRandom.current().nextInt(LOWEST, END);
            if (GIVEN.add(port) && canBind(port)) {
                return port;
            }
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
