package io.tomcatdrain.scale;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.http.HttpResponse;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.LongAdder;
import java.util.regex.Pattern;

/**
 * Drives one node for minutes with pages and uploads of which many are broken off, drains and resumes it again and again under them,
 * by several operators at once, and looks after each cycle whether anything is left behind. Fails if an upload that was not refused came
 * to harm, if something is in flight or a thread of the drain is left when no client asks for anything, if there is another number of
 * MBeans than one, or if the heap has grown from the third cycle to the last.
 */
public final class Soak {
    private static final int CLIENTS = 32;
    private static final int MEDDLERS = 3;
    private static final Duration CYCLE = Duration.ofSeconds(15);
    private static final Pattern NOTHING =
            Pattern.compile("\"inFlight\":\\{\"uploads\":0,\"requests\":0,\"holds\":0,\"streams\":0\\}");

    /** From which cycle on the heap may not grow: before, classes are loaded and pools are filled. */
    private static final int WARM = 3;

    private static final double MOST_GROWTH = 1.25;
    private static final long HEAP_NOISE_BYTES = 4 << 20;

    private final NodeProcess node;
    private final Map<String, LongAdder> tally = new ConcurrentHashMap<>();
    private final AtomicInteger bodies = new AtomicInteger();
    private volatile boolean paused;

    private Soak(NodeProcess node) {
        this.node = node;
    }

    /** Runs; the argument says for how many minutes, 5 without one. */
    public static void main(String[] arguments) throws Exception {
        int minutes = arguments.length == 0 ? 5 : Integer.parseInt(arguments[0]);
        boolean clean = true;
        for (Mode mode : Mode.values()) {
            clean &= run(mode, Duration.ofSeconds(minutes * 30L), CYCLE);
        }
        System.exit(clean ? 0 : 1);
    }

    /** Runs one node that long, in cycles, for a test of this program; returns false if anything was wrong. */
    static boolean run(Mode mode, Duration time, Duration cycle) throws Exception {
        try (NodeProcess node = new NodeProcess(mode, CLIENTS)) {
            return new Soak(node).soak(mode, time, cycle);
        }
    }

    private boolean soak(Mode mode, Duration time, Duration length) throws IOException, InterruptedException {
        boolean clean = true;
        long warmHeap = 0;
        long until = System.nanoTime() + time.toNanos();
        for (int cycle = 1; System.nanoTime() - until < 0; cycle++) {
            int drains = cycle(length);
            String status = node.http("GET", "/drain").body();
            boolean empty = NOTHING.matcher(status).find() && ownsNothing();
            long heap = Long.parseLong(node.ask("heap")[1]);
            warmHeap = cycle == WARM ? heap : warmHeap;
            boolean flat = cycle <= WARM || heap <= warmHeap * MOST_GROWTH + HEAP_NOISE_BYTES;
            clean &= empty && flat;
            System.out.printf(
                    Locale.ROOT,
                    "%s cycle %d: %d drains, %s, heap %.1f MB, %s threads, so far %s%n",
                    mode,
                    cycle,
                    drains,
                    empty ? "nothing left" : status + " " + String.join(" ", node.ask("own")),
                    heap / 1e6,
                    node.ask("threads")[1],
                    tally);
        }
        node.send("stop");
        node.await("stopped");
        return clean && !tally.containsKey("wrong") && !tally.containsKey("broken") && node.awaitExit() == 0;
    }

    /** Lets all clients go for a while, drains and resumes meanwhile; returns how often. */
    private int cycle(Duration length) throws IOException, InterruptedException {
        paused = false;
        List<Thread> clients = new ArrayList<>();
        for (int i = 0; i < CLIENTS; i++) {
            Thread client = new Thread(this::useTheNode, "client-" + i);
            client.start();
            clients.add(client);
        }
        for (int i = 0; i < MEDDLERS; i++) {
            Thread meddler = new Thread(this::meddle, "meddler-" + i);
            meddler.start();
            clients.add(meddler);
        }
        int drains = 0;
        long until = System.nanoTime() + length.toNanos();
        while (System.nanoTime() - until < 0) {
            // Some drains may wait for all that is in flight, some give up early.
            String timeout = ThreadLocalRandom.current().nextInt(4) == 0 ? "5ms" : "20s";
            HttpResponse<String> over = node.http("POST", "/drain?wait=30s&timeout=" + timeout);
            count("drain answered " + over.statusCode());
            HttpResponse<String> resumed = node.http("DELETE", "/drain");
            if (resumed.statusCode() != 200) {
                throw new IOException("not resumed: " + resumed.body());
            }
            drains++;
            node.http("GET", "/drain"); // and look, as monitoring always does
            pause(200);
        }
        paused = true;
        for (Thread client : clients) {
            client.join();
        }
        node.http("DELETE", "/drain"); // also what a meddler may have left
        // What the clients broke off ends when the node finds out.
        count("last drain answered " + node.http("POST", "/drain?wait=30s").statusCode());
        node.http("DELETE", "/drain");
        return drains;
    }

    /** One MBean is the drain's, and threads of its own go when they have nothing to do. */
    private boolean ownsNothing() throws IOException, InterruptedException {
        for (int look = 0; look < 1_000; look++) {
            if (String.join(" ", node.ask("own")).equals("own 0 1")) {
                return true;
            }
            pause(50);
        }
        return false;
    }

    /** Another operator, who commands what the first one does not expect. */
    private void meddle() {
        Random random = new Random(Thread.currentThread().getId());
        String[] commands = {
            "POST /drain", "POST /drain?timeout=0s", "POST /drain?timeout=5m&resumeAfter=20ms", "DELETE /drain"
        };
        while (!paused) {
            try {
                String[] command = commands[random.nextInt(commands.length)].split(" ", -1);
                count("meddler answered " + node.http(command[0], command[1]).statusCode());
                pause(random.nextInt(40));
            } catch (IOException broken) {
                count("broken");
            } catch (InterruptedException interrupted) {
                return;
            }
        }
    }

    private static void pause(long millis) throws InterruptedException {
        Thread.sleep(millis);
    }

    private void count(String what) {
        tally.computeIfAbsent(what, first -> new LongAdder()).increment();
    }

    private void useTheNode() {
        Random random = new Random(Thread.currentThread().getId());
        while (!paused) {
            try {
                int choice = random.nextInt(10);
                if (choice < 4) {
                    page();
                } else {
                    upload(choice < 7 ? 1.0 : random.nextDouble(), random);
                }
            } catch (IOException broken) {
                count("broken");
            } catch (InterruptedException interrupted) {
                return;
            }
        }
    }

    private void page() throws IOException {
        try (Socket socket = connect()) {
            socket.getOutputStream().write(bytes("GET /app/upload/page HTTP/1.1\r\nHost: localhost\r\n\r\n"));
            count("page " + status(head(socket.getInputStream())));
        }
    }

    /** Sends so much of an upload; all of it is to be answered with its checksum unless it is refused. */
    private void upload(double part, Random random) throws IOException, InterruptedException {
        Body body = new Body(bodies.incrementAndGet(), 1024 + random.nextInt(20_000));
        try (Socket socket = connect()) {
            OutputStream out = socket.getOutputStream();
            out.write(bytes("POST /app/upload/soak HTTP/1.1\r\nHost: localhost\r\nContent-Length: " + body.length()
                    + "\r\nContent-Type: multipart/form-data; boundary=cut\r\n\r\n"));
            for (int left = (int) (body.length() * part); left > 0; left -= 4096) {
                ByteBuffer piece = ByteBuffer.allocate(Math.min(left, 4096));
                body.putNext(piece);
                out.write(piece.array(), piece.arrayOffset(), piece.position());
                pause(random.nextInt(4));
            }
            if (!body.isSent()) {
                socket.setSoLinger(random.nextBoolean(), 0);
                count("broken off");
                return;
            }
            InputStream in = socket.getInputStream();
            String status = status(head(in));
            if (status.equals("200")) {
                String answer = new String(in.readNBytes(64), StandardCharsets.ISO_8859_1);
                count(answer.equals(body.checksum()) ? "upload right" : "wrong");
            } else {
                count(status.equals("503") ? "upload refused" : "wrong");
            }
        }
    }

    private Socket connect() throws IOException {
        Socket socket = new Socket();
        socket.setSoTimeout(60_000);
        InetSocketAddress address = node.address();
        socket.connect(address, 60_000);
        return socket;
    }

    private static String head(InputStream in) throws IOException {
        StringBuilder head = new StringBuilder();
        while (head.indexOf("\r\n\r\n") < 0) {
            int next = in.read();
            if (next < 0) {
                throw new IOException("ended: " + head);
            }
            head.append((char) next);
        }
        return head.toString();
    }

    private static String status(String head) {
        return head.substring(9, 12);
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.US_ASCII);
    }
}
