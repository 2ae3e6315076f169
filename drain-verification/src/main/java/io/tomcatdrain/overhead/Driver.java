package io.tomcatdrain.overhead;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.LockSupport;

/** Sends one exchange to one server again and again, and says what that cost the server. */
interface Driver extends AutoCloseable {
    Subject subject();

    /** Returns what so many requests cost, divided by their number. */
    Cost drive(int requests) throws Exception;

    @Override
    void close() throws IOException;

    /** Without sockets: on this thread, from the adapter on. */
    static Driver direct(MeasuredServer server, Exchange exchange) {
        return new Direct(server, exchange);
    }

    /** Over one keep-alive connection, {@link Pipelined#DEPTH} requests in one write. */
    static Driver pipelined(MeasuredServer server, Exchange exchange) throws IOException {
        return new Pipelined(server, exchange);
    }

    /** One pooled request of the server's. */
    final class Direct implements Driver {
        private final Subject subject;
        private final InMemoryProcessor processor;
        private final Exchange exchange;
        private final List<Long> self = List.of(Thread.currentThread().getId());

        private Direct(MeasuredServer server, Exchange exchange) {
            this.subject = server.subject();
            this.processor = new InMemoryProcessor(server.adapter());
            this.exchange = exchange;
        }

        @Override
        public Subject subject() {
            return subject;
        }

        @Override
        public Cost drive(int count) throws Exception {
            Cost before = Cost.of(self);
            for (int i = 0; i < count; i++) {
                processor.serve(exchange, "203.0.113.7");
            }
            return Cost.of(self).minus(before).over(count);
        }

        @Override
        public void close() {}
    }

    /** A connection that is kept filled with requests; all answers have the same length. */
    final class Pipelined implements Driver {
        static final int DEPTH = 100;

        /** How often to look for answers: a client that is woken by each one costs the server more than the request does. */
        private static final long LOOK_NANOS = 100_000;

        private final Subject subject;
        private final String threadPrefix;
        private final SocketChannel channel;
        private final ByteBuffer requests;
        private final ByteBuffer answers;

        private Pipelined(MeasuredServer server, Exchange exchange) throws IOException {
            subject = server.subject();
            threadPrefix = server.threadPrefix();
            channel = SocketChannel.open(server.socketAddress());
            requests = exchange.onTheWire(DEPTH);
            answers = ByteBuffer.allocate(DEPTH * answerLength(exchange));
            channel.configureBlocking(false);
        }

        @Override
        public Subject subject() {
            return subject;
        }

        private int answerLength(Exchange exchange) throws IOException {
            channel.write(exchange.onTheWire(1));
            ByteBuffer answer = ByteBuffer.allocate(4096);
            String text = "";
            while (!text.endsWith("\r\n\r\nhello")) {
                if (channel.read(answer) < 0) {
                    throw new IOException("no answer: " + text);
                }
                text = text(answer);
            }
            return answer.position();
        }

        @Override
        public Cost drive(int count) throws IOException {
            List<Long> threads = serverThreads();
            Cost before = Cost.of(threads);
            for (int sent = 0; sent < count; sent += DEPTH) {
                requests.rewind();
                answers.clear();
                while (requests.hasRemaining() || answers.hasRemaining()) {
                    channel.write(requests);
                    LockSupport.parkNanos(this, LOOK_NANOS);
                    if (channel.read(answers) < 0) {
                        throw new IOException("the server has closed the connection");
                    }
                }
            }
            checkAnswers();
            return Cost.of(threads).minus(before).over(count);
        }

        private void checkAnswers() throws IOException {
            String text = text(answers);
            if (!text.startsWith("HTTP/1.1 200 ") || text.split("HTTP/1.1 200 ", -1).length != DEPTH + 1) {
                throw new IOException("not " + DEPTH + " answers: " + text);
            }
        }

        private static String text(ByteBuffer read) {
            return StandardCharsets.ISO_8859_1.decode(read.duplicate().flip()).toString();
        }

        private List<Long> serverThreads() {
            List<Long> found = new ArrayList<>();
            for (Thread thread : Thread.getAllStackTraces().keySet()) {
                if (thread.getName().startsWith(threadPrefix)) {
                    found.add(thread.getId());
                }
            }
            return found;
        }

        @Override
        public void close() throws IOException {
            channel.close();
        }
    }
}
