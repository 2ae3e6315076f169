package io.tomcatdrain.sample;

import io.tomcatdrain.valve.DrainValve;
import java.io.IOException;
import java.io.PrintWriter;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.logging.Level;
import org.apache.catalina.LifecycleException;
import picocli.CommandLine.Command;
import picocli.CommandLine.ExitCode;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** The command that plays a stop under load by itself, and fails if anything was lost. */
@Command(
        name = "demo",
        header = "Plays it by itself: stops a Tomcat while four uploads run, and checks that none was lost.",
        description =
                "Exit status 0 only if every upload arrived complete and what came too late was refused properly.",
        mixinStandardHelpOptions = true,
        versionProvider = Main.Version.class)
final class Demo implements Callable<Integer> {
    private static final int LEAST_SECONDS = 6;

    @Spec
    @SuppressWarnings("NullAway.Init")
    private CommandSpec spec;

    @Option(
            names = "--seconds",
            defaultValue = "12",
            description =
                    "how long the longest upload takes, at least " + LEAST_SECONDS + "; default: ${DEFAULT-VALUE}")
    private int seconds;

    @Option(names = "--plain", description = "no moving bars, as where the output is no terminal")
    private boolean plain;

    /** Lets the demo be seen to fail. */
    @Option(names = "--without-valve", hidden = true)
    private boolean withoutValve;

    private Demo() {}

    @Override
    public Integer call() throws IOException, InterruptedException, LifecycleException {
        if (seconds < LEAST_SECONDS) {
            throw new ParameterException(
                    spec.commandLine(), "--seconds [" + seconds + "] is less than " + LEAST_SECONDS);
        }
        PrintWriter out = spec.commandLine().getOut();
        var screen = new Screen(out, !plain && Screen.isTerminal());
        Logs.sendTo(new ScreenHandler(screen), Level.WARNING);
        String token = Main.randomToken();
        SampleServer server = SampleServer.start("localhost", 0, 0, withoutValve ? null : valve(token));
        screen.say(
                server.version() + (withoutValve ? " WITHOUT" : " with") + " the drain valve, port " + server.port());
        List<String> problems;
        try (var play = new DemoPlay(server, token, screen, seconds)) {
            problems = play.run();
        }

        out.println();
        if (problems.isEmpty()) {
            out.println("Nothing was lost.");
        } else {
            out.println("FAILED:");
            problems.forEach(problem -> out.println("  " + problem));
        }
        out.flush();
        return problems.isEmpty() ? ExitCode.OK : ExitCode.SOFTWARE;
    }

    private static DrainValve valve(String token) {
        var valve = new DrainValve();
        valve.setToken(token);
        valve.setUploadTimeout("60s");
        return valve;
    }
}
