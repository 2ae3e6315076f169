package io.tomcatdrain.cli;

/**
 * One thing that a check has found wrong.
 *
 * @param fault what it is
 * @param text what was seen, for people
 * @param remedy the line to change, and where
 */
record Finding(Fault fault, String text, String remedy) {

    /** What can be at fault. */
    enum Fault {
        // before anything is sent
        NODE_UNREACHABLE,
        CERTIFICATE_NOT_ACCEPTED,
        WRONG_TOKEN,
        WRONG_PORT,
        NO_DRAIN,
        NOT_SERVING,
        LAST_NODE,
        NOT_RESUMABLE,
        // without any drain
        SITE_UNREACHABLE,
        CANARY_NOT_PASSED_ON,
        UPLOAD_NOT_ACCEPTED,
        FRONT_END_TIMEOUT,
        NODES_NOT_BEHIND_SITE,
        // in a drain
        FRONT_END_CUTS,
        NOBODY_PROBES,
        PROBES_TOO_SLOW,
        PROBE_FAILURES_TOO_FEW,
        REFUSALS_NOT_REPEATED,
        REFUSALS_REACH_USERS,
        STREAMING_WITHOUT_CLOSE_LISTENER,
        STICKY_WITHOUT_REPLAY,
        OTHER_LOSS,
        GAVE_UP,
        NOT_USED_AGAIN
    }
}
