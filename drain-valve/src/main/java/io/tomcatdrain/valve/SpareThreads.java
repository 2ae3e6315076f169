package io.tomcatdrain.valve;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.Executor;
import org.apache.catalina.Service;
import org.apache.catalina.connector.Connector;
import org.apache.catalina.core.StandardThreadExecutor;
import org.apache.juli.logging.Log;
import org.apache.juli.logging.LogFactory;
import org.apache.tomcat.util.threads.ThreadPoolExecutor;
import org.jspecify.annotations.Nullable;

/**
 * Lends the connectors of a service a few threads beyond their {@code maxThreads} while the node refuses every new request. Where uploads hold
 * all of a connector's threads, whatever else has arrived waits in the executor's queue: a refusal that reaches its client too late, and
 * the questions for readiness and status. The threads beyond the limit reach no application, since nothing new is admitted; but for the rare
 * request that is served beside an upload over HTTP/2. Thread-safe.
 */
final class SpareThreads {
    private static final Log LOG = LogFactory.getLog(SpareThreads.class);

    /** As many as may stay behind a refusal for a moment (the core's Lingering). */
    private static final int MOST = 32;

    /** What Tomcat's two kinds of executor have in common, in each its own way; virtual threads need nothing of it. */
    private interface Pool {
        int most();

        void most(int threads);

        int spare();

        void spare(int threads);

        int size();

        int waiting();

        /** Returns null for an executor of another kind. */
        static @Nullable Pool of(Executor executor) {
            if (executor instanceof ThreadPoolExecutor own) {
                return new OwnPool(own);
            }
            return executor instanceof StandardThreadExecutor shared ? new SharedPool(shared) : null;
        }
    }

    /** A connector's own. */
    private record OwnPool(ThreadPoolExecutor threads) implements Pool {
        @Override
        public int most() {
            return threads.getMaximumPoolSize();
        }

        @Override
        public void most(int most) {
            threads.setMaximumPoolSize(most);
        }

        @Override
        public int spare() {
            return threads.getCorePoolSize();
        }

        @Override
        public void spare(int spare) {
            threads.setCorePoolSize(spare);
        }

        @Override
        public int size() {
            return threads.getPoolSize();
        }

        @Override
        public int waiting() {
            return threads.getQueue().size();
        }
    }

    /** One that server.xml shares between connectors. */
    private record SharedPool(StandardThreadExecutor threads) implements Pool {
        @Override
        public int most() {
            return threads.getMaxThreads();
        }

        @Override
        public void most(int most) {
            threads.setMaxThreads(most);
        }

        @Override
        public int spare() {
            return threads.getMinSpareThreads();
        }

        @Override
        public void spare(int spare) {
            threads.setMinSpareThreads(spare);
        }

        @Override
        public int size() {
            return threads.getPoolSize();
        }

        @Override
        public int waiting() {
            return threads.getQueueSize();
        }
    }

    private final Service service;

    /** The limits that were there before; empty unless threads are lent. Guarded by this. */
    private final Map<Pool, Integer> lent = new LinkedHashMap<>();

    SpareThreads(Service service) {
        this.service = service;
    }

    /** Returns how many tasks wait for a thread of the service's connectors, as far as that can be known. */
    static int waiting(Service service) {
        int waiting = 0;
        for (Connector connector : service.findConnectors()) {
            Pool pool = Pool.of(connector.getProtocolHandler().getExecutor());
            waiting += pool == null ? 0 : pool.waiting();
        }
        return waiting;
    }

    /** Lends them, if they are not lent. Never throws. */
    synchronized void lend() {
        for (Connector connector : service.findConnectors()) {
            try {
                Pool pool = Pool.of(connector.getProtocolHandler().getExecutor());
                if (pool != null && !lent.containsKey(pool)) {
                    lent.put(pool, pool.most());
                    pool.most(pool.most() + MOST);
                    takeUpWhatWaits(pool);
                }
            } catch (RuntimeException unwilling) {
                LOG.debug(connector, unwilling);
            }
        }
    }

    /** A thread is made for the next task only: those that wait already get theirs by a higher number of spare ones, which stays for a moment. */
    private static void takeUpWhatWaits(Pool pool) {
        int waiting = Math.min(pool.waiting(), MOST);
        if (waiting > 0) {
            int spare = pool.spare();
            pool.spare(Math.min(pool.most(), pool.size() + waiting));
            pool.spare(spare);
        }
    }

    /** Takes them back, if they are lent; those at work finish first. A limit that has been changed meanwhile stays. Never throws. */
    synchronized void takeBack() {
        lent.forEach((pool, before) -> {
            try {
                if (pool.most() == before + MOST) {
                    pool.most(before);
                }
            } catch (RuntimeException unwilling) {
                LOG.debug(pool, unwilling);
            }
        });
        lent.clear();
    }
}
