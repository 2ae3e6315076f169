package io.tomcatdrain.cli;

import java.util.ArrayList;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Reads one JSON text (RFC 8259) into maps, lists, strings, doubles and booleans. Written by hand, since the one jar brings no library
 * along. Not thread-safe.
 */
final class Json {
    private static final int DEEPEST = 32;

    private final String text;
    private int at;
    private int depth;

    private Json(String text) {
        this.text = text;
    }

    /**
     * Returns the object that the text is.
     *
     * @throws IllegalArgumentException if it is none; the message says where and quotes nothing
     */
    static Map<String, Object> object(String text) {
        Json json = new Json(text);
        Object value = json.value();
        json.blanks();
        if (json.at < text.length() || !(value instanceof Map)) {
            throw json.bad("one object was expected");
        }
        return members(value);
    }

    /** Returns an object inside another; an empty one if there is none of that name. */
    static Map<String, Object> object(Map<String, Object> in, String name) {
        Object value = in.get(name);
        return value instanceof Map ? members(value) : Map.of();
    }

    /** Returns the objects in a list; none if there is no list of that name. */
    static List<Map<String, Object>> objects(Map<String, Object> in, String name) {
        List<Map<String, Object>> found = new ArrayList<>();
        if (in.get(name) instanceof List<?> list) {
            list.stream().filter(Map.class::isInstance).forEach(each -> found.add(members(each)));
        }
        return found;
    }

    /** Returns a text; null if there is none of that name. */
    static @Nullable String text(Map<String, Object> in, String name) {
        return in.get(name) instanceof String found ? found : null;
    }

    /** Returns a whole number; 0 if there is none of that name. */
    static long number(Map<String, Object> in, String name) {
        return in.get(name) instanceof Double found ? found.longValue() : 0;
    }

    @SuppressWarnings("unchecked") // this parser makes no others
    private static Map<String, Object> members(Object value) {
        return (Map<String, Object>) value;
    }

    private IllegalArgumentException bad(String what) {
        return new IllegalArgumentException("no JSON at character " + at + ": " + what);
    }

    private void blanks() {
        while (at < text.length() && " \t\r\n".indexOf(text.charAt(at)) >= 0) {
            at++;
        }
    }

    private boolean skips(char wanted) {
        blanks();
        if (at < text.length() && text.charAt(at) == wanted) {
            at++;
            return true;
        }
        return false;
    }

    private void needs(char wanted) {
        if (!skips(wanted)) {
            throw bad("[" + wanted + "] was expected");
        }
    }

    /** Returns the next value; a lone object stands for {@code null}, which no caller asks for. */
    private Object value() {
        blanks();
        if (at >= text.length()) {
            throw bad("a value was expected");
        }
        return switch (text.charAt(at)) {
            case '{' -> map();
            case '[' -> list();
            case '"' -> string();
            case 't' -> word("true", true);
            case 'f' -> word("false", false);
            case 'n' -> word("null", NULL);
            default -> number();
        };
    }

    private static final Object NULL = new Object();

    private Object word(String word, Object value) {
        if (!text.startsWith(word, at)) {
            throw bad("a value was expected");
        }
        at += word.length();
        return value;
    }

    private Map<String, Object> map() {
        enter('{');
        Map<String, Object> members = new LinkedHashMap<>();
        if (!skips('}')) {
            do {
                blanks();
                String name = string();
                needs(':');
                members.put(name, value());
            } while (skips(','));
            needs('}');
        }
        depth--;
        return members;
    }

    private List<Object> list() {
        enter('[');
        List<Object> elements = new ArrayList<>();
        if (!skips(']')) {
            do {
                elements.add(value());
            } while (skips(','));
            needs(']');
        }
        depth--;
        return elements;
    }

    private void enter(char opening) {
        needs(opening);
        if (++depth > DEEPEST) {
            throw bad("it is nested too deeply");
        }
    }

    private String string() {
        needs('"');
        StringBuilder out = new StringBuilder();
        while (at < text.length() && text.charAt(at) != '"') {
            char next = text.charAt(at++);
            out.append(next == '\\' ? escaped() : next);
        }
        needs('"');
        return out.toString();
    }

    private char escaped() {
        if (at >= text.length()) {
            throw bad("the text ends inside a string");
        }
        char kind = text.charAt(at++);
        return switch (kind) {
            case '"', '\\', '/' -> kind;
            case 'b' -> '\b';
            case 'f' -> '\f';
            case 'n' -> '\n';
            case 'r' -> '\r';
            case 't' -> '\t';
            case 'u' -> unicode();
            default -> throw bad("an unknown escape");
        };
    }

    private char unicode() {
        if (at + 4 > text.length()) {
            throw bad("the text ends inside a string");
        }
        int code = 0;
        for (int i = 0; i < 4; i++) {
            char digit = text.charAt(at++);
            if (!HexFormat.isHexDigit(digit)) {
                throw bad("an unknown escape");
            }
            code = code << 4 | HexFormat.fromHexDigit(digit);
        }
        return (char) code;
    }

    private Double number() {
        int from = at;
        while (at < text.length() && "+-.eE0123456789".indexOf(text.charAt(at)) >= 0) {
            at++;
        }
        try {
            return Double.valueOf(text.substring(from, at));
        } catch (NumberFormatException none) {
            throw bad("a value was expected");
        }
    }
}
