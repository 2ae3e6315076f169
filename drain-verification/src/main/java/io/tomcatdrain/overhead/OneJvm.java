package io.tomcatdrain.overhead;

import io.tomcatdrain.TemporaryDirectories;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.logging.Level;
import java.util.logging.Logger;

/** What one of the measuring JVMs does: it prints a line for each server in each round. */
final class OneJvm {
    /** Rounds before those that count; enough for the compilers. */
    private static final int WARM_UP = 20;

    private static final int SAME_DRIVERS = 5;

    private OneJvm() {}

    /** Measures; the arguments are a seed and the forms. */
    public static void main(String[] arguments) throws Exception {
        measure(new Random(Integer.parseInt(arguments[0])), List.of(arguments).subList(1, arguments.length));
        System.out.flush();
        TemporaryDirectories.delete();
        Runtime.getRuntime().halt(0); // nothing has to be stopped in good order
    }

    private static void measure(Random random, List<String> forms) throws Exception {
        Logger.getLogger("").setLevel(Level.WARNING);
        List<Subject> order = new ArrayList<>(List.of(Subject.values()));
        Collections.shuffle(order, random);
        List<MeasuredServer> servers = new ArrayList<>();
        for (Subject subject : order) {
            String address = "127.0.0." + (2 + servers.size());
            servers.add(new MeasuredServer(subject, address, TemporaryDirectories.make("overhead")));
        }
        for (String name : forms) {
            measure(Form.valueOf(name), servers, random);
        }
    }

    private static void measure(Form form, List<MeasuredServer> servers, Random random) throws Exception {
        for (int round = -WARM_UP; round < form.rounds; round += SAME_DRIVERS) {
            // Anew now and then: where its objects lie in memory favours one server by some nanoseconds.
            List<Driver> drivers = new ArrayList<>();
            for (MeasuredServer server : servers) {
                drivers.add(form.drive(server));
            }
            for (int same = round; same < round + SAME_DRIVERS; same++) {
                Collections.shuffle(drivers, random);
                for (Driver driver : drivers) {
                    Cost cost = driver.drive(form.batch);
                    if (same >= 0) {
                        print(form, same, driver.subject(), cost);
                    }
                }
            }
            for (Driver driver : drivers) {
                driver.close();
            }
        }
    }

    private static void print(Form form, int round, Subject subject, Cost cost) {
        System.out.println(form + " " + round + " " + subject + " " + cost.cpuNanos() + " " + cost.bytes());
    }
}
