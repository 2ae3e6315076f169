package io.tomcatdrain.testkit;

import java.time.Duration;
import org.awaitility.Awaitility;
import org.junit.platform.launcher.LauncherSession;
import org.junit.platform.launcher.LauncherSessionListener;

/**
 * Lets {@code await()} wait for a minute where a test names no limit of its own: what comes at once on an idle machine may take
 * more than Awaitility's ten seconds on one that is busy. The launcher finds it as a service, in each module that has this one.
 */
public final class PatientAwaiting implements LauncherSessionListener {
    @Override
    public void launcherSessionOpened(LauncherSession session) {
        Awaitility.setDefaultTimeout(Duration.ofMinutes(1));
    }
}
