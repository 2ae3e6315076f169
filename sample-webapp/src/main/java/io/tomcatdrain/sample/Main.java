package io.tomcatdrain.sample;

/** Starts the sample. */
public final class Main {
    private Main() {}

    /**
     * Starts the sample.
     *
     * @param args none yet
     */
    public static void main(String[] args) {
        System.err.println("the sample is not written yet");
    }
}
