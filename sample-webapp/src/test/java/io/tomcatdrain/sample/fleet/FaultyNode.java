package io.tomcatdrain.sample.fleet;

import io.tomcatdrain.testkit.fleet.Parts;
import io.tomcatdrain.testkit.fleet.Ports;
import io.tomcatdrain.testkit.fleet.TomcatNode;
import io.tomcatdrain.testkit.fleet.WebServer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** A node that is prepared for faults: a connector that speaks HTTP/2, an application with a full disk, a clock that can jump. */
final class FaultyNode implements AutoCloseable {
    private static final List<Path> FAKETIME = List.of(
            Path.of("/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1"),
            Path.of("/usr/lib/aarch64-linux-gnu/faketime/libfaketimeMT.so.1"),
            Path.of("/usr/lib64/faketime/libfaketimeMT.so.1"));

    private final int directPort = Ports.free();
    private final @Nullable Path fullDisk;
    private final @Nullable Path clock;
    private int aheadSeconds;

    /** Prepares a node that is installed and not started yet. */
    FaultyNode(TomcatNode node, boolean wantsFullDisk, boolean wantsClock) {
        node.changeServerXml(xml -> WebServer.replaced(
                xml,
                "<Service name=\"Catalina\">",
                "<Service name=\"Catalina\">\n    <Connector bindOnInit=\"false\" port=\"" + directPort
                        + "\" useAsyncIO=\"false\">"
                        + "<UpgradeProtocol className=\"org.apache.coyote.http2.Http2Protocol\" /></Connector>"));
        try {
            fullDisk = wantsFullDisk && "root".equals(System.getProperty("user.name")) ? fullDisk(node) : null;
            clock = wantsClock ? clock(node) : null;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    int directPort() {
        return directPort;
    }

    boolean hasFullDisk() {
        return fullDisk != null;
    }

    boolean hasClock() {
        return clock != null;
    }

    /** Moves the node's wall clock by so many seconds. */
    void jump(int seconds) {
        if (clock == null) {
            throw new IllegalStateException("this node has the machine's clock");
        }
        try {
            aheadSeconds += seconds;
            Files.writeString(clock, (aheadSeconds < 0 ? "" : "+") + aheadSeconds + "\n");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public void close() {
        if (fullDisk != null) {
            // Lazily: what was started here may still have a file open.
            run("umount", "-l", fullDisk.toString());
            try {
                Parts.delete(fullDisk);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }

    /** Deploys the sample once more, with a temporary folder of 64 KB that is full. */
    private static @Nullable Path fullDisk(TomcatNode node) throws IOException {
        // Not below target/, which could not be deleted if a run were cut short.
        var disk = Files.createTempDirectory("full-disk-");
        if (run("mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", disk.toString()) != 0) {
            Files.delete(disk);
            return null;
        }
        try (var out = Files.newOutputStream(disk.resolve("filler"))) {
            while (true) {
                out.write(new byte[4096]);
            }
        } catch (IOException full) {
            // as it shall be
        }
        var war = Files.copy(Parts.sampleWar(), node.base().resolve("full.war"));
        var contexts = Files.createDirectories(node.base().resolve("conf/Catalina/localhost"));
        Files.writeString(
                contexts.resolve("full.xml"),
                "<Context docBase=\"" + war + "\" workDir=\"" + disk + "\" unpackWAR=\"false\" />\n");
        return disk;
    }

    /** Gives the node a wall clock of its own; the one that measures how long something takes stays the machine's. */
    private static @Nullable Path clock(TomcatNode node) throws IOException {
        var library =
                Stream.of(FAKETIME.toArray(Path[]::new)).filter(Files::exists).findFirst();
        if (library.isEmpty()) {
            return null;
        }
        var file = Files.writeString(node.base().resolve("clock"), "+0\n");
        // What catalina.sh reads before it starts or stops the server. The last variable keeps the JVM's own timed
        // waits from spinning.
        Files.writeString(
                Files.createDirectories(node.base().resolve("bin")).resolve("setenv.sh"),
                "export LD_PRELOAD=" + library.get() + " FAKETIME_TIMESTAMP_FILE='" + file
                        + "' FAKETIME_CACHE_DURATION=1 NO_FAKE_STAT=1 FAKETIME_DONT_FAKE_MONOTONIC=1"
                        + " DONT_FAKE_MONOTONIC=1 FAKETIME_FORCE_MONOTONIC_FIX=0\n");
        return file;
    }

    private static int run(String... command) {
        try {
            return new ProcessBuilder(command).inheritIO().start().waitFor();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }
}
