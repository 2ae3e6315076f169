package io.tomcatdrain.cli;

/** What {@code java -jar} starts. */
final class Main {
    private Main() {}

    /** Runs one command and ends the process with its exit status. */
    public static void main(String[] arguments) {
        System.exit(new Terminal(System.getenv(), System.out, System.err).run(arguments));
    }
}
