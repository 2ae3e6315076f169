package io.tomcatdrain.cli;

import io.tomcatdrain.DrainSettings;
import java.net.URI;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import javax.net.ssl.SSLContext;
import org.jspecify.annotations.Nullable;

/**
 * What a check is to do. Immutable.
 *
 * @param page the site's page that is read all the time
 * @param upload what is uploaded
 * @param canary true if that goes to the nodes' canary
 * @param uploadTime how long one upload takes
 * @param uploadBytes how long its file is
 * @param longest the longest drain
 * @param back how long the front end may take to use a node again
 * @param frontEnd which it is; null to find out
 * @param restart how to restart a node; null to resume it
 * @param trust which certificates are accepted; null for those that this JVM trusts
 * @param dryRun true to send and drain nothing
 */
record CheckPlan(
        URI page,
        Upload upload,
        boolean canary,
        Duration uploadTime,
        int uploadBytes,
        Duration longest,
        Duration back,
        @Nullable FrontEndKind frontEnd,
        @Nullable Restart restart,
        @Nullable SSLContext trust,
        boolean dryRun) {
    private static final Duration SHORTEST_UPLOAD = Duration.ofSeconds(2);

    /** More than any front end buffers of an upload that it passes on. */
    private static final int FILE = 512 << 10;

    /** Returns the words behind {@code check} as its options. */
    static Options options(List<String> words) {
        return Options.parse(
                words,
                Set.of(
                        "node",
                        "upload",
                        "field",
                        "file-field",
                        "upload-time",
                        "restart",
                        "ready",
                        "wait",
                        "back",
                        "front-end",
                        "token-file",
                        "ca-file"),
                Set.of("dry-run"),
                Set.of("node", "field"));
    }

    /**
     * Makes the plan that the options ask for.
     *
     * @throws IllegalArgumentException if one is wrong
     */
    static CheckPlan of(Options options, String token, @Nullable SSLContext trust, java.io.PrintStream err) {
        if (options.urls().size() != 1) {
            throw new IllegalArgumentException(
                    "check needs the URL of one page of the site, and the nodes' drains as [--node URL] each");
        }
        URI page = options.urls().get(0);
        Duration uploadTime = options.duration("upload-time", Duration.ofSeconds(12));
        if (uploadTime.compareTo(SHORTEST_UPLOAD) < 0) {
            throw new IllegalArgumentException("option [--upload-time] has the value ["
                    + DrainSettings.quotable(options.text("upload-time"))
                    + "]: less than 2s shows no upload on its way; use at least as long as your users' uploads take");
        }
        String target = options.text("upload");
        String command = options.text("restart");
        String frontEnd = options.text("front-end");
        return new CheckPlan(
                page,
                target == null
                        ? Upload.canary(page.resolve("/drain/canary"), token)
                        : Upload.form(target(page, target), options.texts("field"), options.text("file-field", "file")),
                target == null,
                uploadTime,
                FILE,
                options.duration("wait", Duration.ofMinutes(3)),
                options.duration("back", Duration.ofMinutes(1)),
                frontEnd == null ? null : FrontEndKind.named(frontEnd),
                command == null ? null : new Restart(command, options.duration("ready", Duration.ofMinutes(3)), err),
                trust,
                options.has("dry-run"));
    }

    private static URI target(URI page, String upload) {
        try {
            URI target = page.resolve(upload);
            if (target.getHost() != null && target.getScheme() != null && target.getFragment() == null) {
                return target;
            }
        } catch (IllegalArgumentException bad) {
            // said below
        }
        throw new IllegalArgumentException("option [--upload] has the value [" + DrainSettings.quotable(upload)
                + "]: give the URL that the form is sent to");
    }
}
