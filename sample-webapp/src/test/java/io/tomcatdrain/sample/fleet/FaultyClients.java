package io.tomcatdrain.sample.fleet;

import io.tomcatdrain.sample.fleet.Fault.Place;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/** Clients that each do one thing wrong after the other, until they are closed. Thread-safe. */
final class FaultyClients implements AutoCloseable {
    private static final int CLIENTS = 8;

    private final CountDownLatch end = new CountDownLatch(1);
    private final List<Thread> threads = new ArrayList<>();
    private final Map<Fault, Integer> counts = new EnumMap<>(Fault.class);
    private final List<String> surprises = new ArrayList<>();

    /** Starts them at what is restarted. */
    static FaultyClients started(RestartedSite site) {
        var clients = new FaultyClients();
        for (int i = 0; i < CLIENTS; i++) {
            var place = new Place(site.port(), site.directPorts(), site.ajpPorts(), new Random(i), clients.end);
            var faults = Arrays.stream(Fault.values())
                    .filter(fault -> place.allows(fault, site.hasFullDisk()))
                    .toList();
            int first = i;
            var thread = new Thread(() -> clients.run(place, faults, first), "faulty client " + i);
            thread.setDaemon(true);
            clients.threads.add(thread);
        }
        clients.threads.forEach(Thread::start);
        return clients;
    }

    /** How often each fault was committed. */
    synchronized Map<Fault, Integer> counts() {
        return new EnumMap<>(counts);
    }

    /** What a faulty client saw that it cannot have seen if its fault was one. */
    synchronized List<String> surprises() {
        return List.copyOf(surprises);
    }

    @Override
    public void close() {
        end.countDown();
        for (var thread : threads) {
            try {
                thread.join(TimeUnit.SECONDS.toMillis(60));
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
        }
    }

    private void run(Place place, List<Fault> faults, int first) {
        for (int i = first; end.getCount() > 0; i++) {
            var fault = faults.get(i % faults.size());
            try {
                try {
                    fault.commit(place);
                } catch (IOException answer) {
                    // A node that is away, or that has had enough of this client.
                    place.pause(20);
                }
                place.pause(place.random().nextInt(100));
            } catch (InterruptedException e) {
                return;
            } catch (AssertionError | RuntimeException e) {
                synchronized (this) {
                    surprises.add(fault + ": " + e);
                }
            }
            synchronized (this) {
                counts.merge(fault, 1, Integer::sum);
            }
        }
    }
}
