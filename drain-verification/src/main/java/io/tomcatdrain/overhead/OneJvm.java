package io.tomcatdrain.overhead;

import java.nio.file.Files;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.logging.Level;
import java.util.logging.Logger;

/** What one of the measuring JVMs does: it prints a line for each server in each round. */
final class OneJvm {
    private OneJvm() {}

    /** Measures; the arguments are a seed and the forms. */
    public static void main(String[] arguments) throws Exception {
        measure(new Random(Integer.parseInt(arguments[0])), List.of(arguments).subList(1, arguments.length));
        System.exit(0); // what a valve leaves running must not keep the next JVM waiting
    }

    private static void measure(Random random, List<String> forms) throws Exception {
        Logger.getLogger("").setLevel(Level.WARNING);
        List<Subject> order = new ArrayList<>(List.of(Subject.values()));
        Collections.shuffle(order, random);
        List<MeasuredServer> servers = new ArrayList<>();
        for (Subject subject : order) {
            String address = "127.0.0." + (2 + servers.size());
            servers.add(new MeasuredServer(subject, address, Files.createTempDirectory("overhead")));
        }
        for (String name : forms) {
            Form form = Form.valueOf(name);
            List<Driver> drivers = new ArrayList<>();
            for (MeasuredServer server : servers) {
                drivers.add(form.drive(server));
            }
            int rounds = form.isPlain() ? 60 : 20;
            int warmUp = form.isPlain() ? 20 : 10;
            for (int round = -warmUp; round < rounds; round++) {
                Collections.shuffle(drivers, random);
                for (Driver driver : drivers) {
                    Cost cost = driver.drive(form.batch);
                    if (round >= 0) {
                        System.out.println(form + " " + round + " " + driver.subject() + " " + cost.cpuNanos() + " "
                                + cost.bytes());
                    }
                }
            }
            for (Driver driver : drivers) {
                driver.close();
            }
        }
    }
}
