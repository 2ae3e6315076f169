package io.tomcatdrain.http;

import java.util.Enumeration;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * The forms in which a refusal or a status can be written, and the choice among them by {@code Accept}. The parsing is simple and bounded: what it
 * does not understand it ignores, and a client that accepts nothing of ours gets plain text.
 */
enum AcceptHeader {
    TEXT,
    JSON,
    HTML;

    private static final int MOST_RANGES = 32;
    private static final int LONGEST_HEADER = 2_000;

    /** One form, and how well the client likes it: by the most specific range that names it. */
    private static final class Candidate {
        private final AcceptHeader form;
        private final List<String> types;
        private int specificity = -1;
        private double quality;
        private int position;

        Candidate(AcceptHeader form, String... types) {
            this.form = form;
            this.types = List.of(types);
        }

        void consider(String range, double rangeQuality, int rangePosition) {
            for (String type : types) {
                int found = specificity(range, type);
                if (found > specificity || (found == specificity && found >= 0 && rangeQuality > quality)) {
                    specificity = found;
                    quality = rangeQuality;
                    position = rangePosition;
                }
            }
        }

        boolean beats(Candidate other) {
            if (quality != other.quality) {
                return quality > other.quality;
            }
            return specificity != other.specificity ? specificity > other.specificity : position < other.position;
        }
    }

    /** Returns the form that the client likes best; where it has no preference, text before JSON before HTML. */
    static AcceptHeader best(@Nullable Enumeration<String> headers) {
        List<Candidate> candidates = List.of(
                new Candidate(TEXT, "text/plain"),
                new Candidate(JSON, "application/problem+json", "application/json"),
                new Candidate(HTML, "text/html"));
        consider(headers, candidates);
        Candidate best = candidates.get(0);
        for (Candidate candidate : candidates) {
            if (candidate.beats(best)) {
                best = candidate;
            }
        }
        return best.quality > 0 ? best.form : TEXT;
    }

    /** Returns true if the client names plain text, and does not like JSON better; wildcards do not count. */
    static boolean namesText(@Nullable Enumeration<String> headers) {
        Candidate text = new Candidate(TEXT, "text/plain");
        Candidate json = new Candidate(JSON, "application/json");
        consider(headers, List.of(text, json));
        return text.specificity == 2 && text.quality > 0 && !json.beats(text);
    }

    private static void consider(@Nullable Enumeration<String> headers, List<Candidate> candidates) {
        int position = 0;
        while (headers != null && headers.hasMoreElements() && position < MOST_RANGES) {
            String header = headers.nextElement();
            header = header.substring(0, Math.min(header.length(), LONGEST_HEADER));
            for (String element : header.split(",", MOST_RANGES - position + 1)) {
                if (++position > MOST_RANGES) {
                    break; // the last one holds all the rest
                }
                String[] parts = element.split(";", 8);
                String range = parts[0].strip().toLowerCase(Locale.ROOT);
                double quality = quality(parts);
                for (Candidate candidate : candidates) {
                    candidate.consider(range, quality, position);
                }
            }
        }
    }

    /** Returns 2 if the range is the type itself, 1 for a type's wildcard, 0 for the full one, −1 if it does not match. */
    private static int specificity(String range, String type) {
        if (range.equals(type)) {
            return 2;
        }
        if (range.equals("*/*")) {
            return 0;
        }
        return range.endsWith("/*") && type.startsWith(range.substring(0, range.length() - 1)) ? 1 : -1;
    }

    private static double quality(String[] parts) {
        for (int i = 1; i < parts.length; i++) {
            String parameter = parts[i].strip().toLowerCase(Locale.ROOT);
            if (parameter.startsWith("q=")) {
                String number = parameter.substring(2).strip();
                return number.matches("[01](\\.[0-9]{0,3})?") ? Math.min(1, Double.parseDouble(number)) : 0;
            }
        }
        return 1;
    }
}
