package io.tomcatdrain.fuzz;

import java.util.List;
import java.util.Random;

/** Makes texts that are nearly right, and some that are nothing, the same for the same seed. Not thread-safe. */
final class Mutations {
    private static final int LONGEST = 30_000;
    private static final String ODD =
            "\0\t\n\r\u001b\u007f\u0085\u00e9\u0130\u017f\u0660\uff11\u2028\ud83d\ude00\udc00%&=;,:/?#[]{}\"\\*-+.$ ";

    private final Random random;
    private final List<String> seeds;

    Mutations(long seed, List<String> seeds) {
        this.random = new Random(seed);
        this.seeds = seeds;
    }

    String next() {
        StringBuilder text = new StringBuilder(anySeed());
        for (int changes = random.nextInt(5); changes >= 0; changes--) {
            change(text);
        }
        text.setLength(Math.min(text.length(), LONGEST));
        return text.toString();
    }

    private String anySeed() {
        return seeds.get(random.nextInt(seeds.size()));
    }

    private int position(StringBuilder text) {
        return random.nextInt(text.length() + 1);
    }

    private void change(StringBuilder text) {
        int from = position(text);
        int to = Math.min(text.length(), from + random.nextInt(12));
        switch (random.nextInt(8)) {
            case 0 -> text.delete(from, to);
            case 1 -> text.insert(from, ODD.charAt(random.nextInt(ODD.length())));
            case 2 -> text.insert(position(text), text.substring(from, to));
            case 3 -> text.insert(from, anySeed());
            case 4 ->
                text.insert(
                        from, text.substring(from, to).repeat(1 << random.nextInt(random.nextInt(40) == 0 ? 14 : 8)));
            case 5 -> text.insert(from, random.nextLong());
            case 6 -> {
                if (from < text.length()) {
                    text.setCharAt(from, (char) (random.nextBoolean() ? random.nextInt(128) : random.nextInt(0x10000)));
                }
            }
            default -> text.insert(from, ODD.charAt(random.nextInt(ODD.length())) + "0");
        }
    }
}
