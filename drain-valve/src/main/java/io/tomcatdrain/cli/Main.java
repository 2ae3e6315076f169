package io.tomcatdrain.cli;

/** What {@code java -jar} starts. */
final class Main {
    private Main() {}

    /** Runs one command and ends the process with its exit status. */
    public static void main(String[] arguments) {
        System.setProperty(
                "jdk.console", "java.base"); // from Java 22 on there would be a console where there is no terminal
        System.exit(new Terminal(System.getenv(), System.out, System.err).run(arguments));
    }
}
