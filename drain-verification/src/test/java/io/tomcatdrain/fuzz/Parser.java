package io.tomcatdrain.fuzz;

import java.util.List;
import java.util.function.Consumer;

/**
 * Something that reads text from outside, and what must be true of it whatever the text.
 *
 * @param name what a failure calls it
 * @param seeds texts that it understands, from which others are made
 * @param check reads a text, and throws if a rule is broken
 */
public record Parser(String name, List<String> seeds, Consumer<String> check) {
    @Override
    public String toString() {
        return name;
    }
}
