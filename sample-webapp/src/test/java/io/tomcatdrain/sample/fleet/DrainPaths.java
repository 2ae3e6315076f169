package io.tomcatdrain.sample.fleet;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/**
 * Ways of writing a path that Tomcat takes for one below {@code /drain}, and some that only look like it.
 *
 * <p>Tomcat cuts {@code ;parameters} off each segment while it is still encoded, whatever they hold, then decodes once, then merges
 * slashes and resolves dots ({@code CoyoteAdapter}: parsePathParameters, UDecoder, normalize). A front end that matches paths does
 * some of this, or all of it in another order. So each form is a place before the name, a spelling of the name, and what follows it.
 */
final class DrainPaths {
    /** What may stand before the name: all of it is nothing, or goes away again. */
    private static final List<String> BEFORE = List.of(
            "/",
            "//",
            "///",
            "/./",
            "/%2e/",
            "/%2E//",
            "/;/",
            "/;x/",
            "/;x=1;y=2/",
            "/.;x/",
            "/%2e;x/.;/",
            "/x/../",
            "/x/%2e%2E/",
            "/x/.%2e/",
            "/x/..;/",
            "/x/..;y=1/",
            "/x/%2e.;y/",
            "/x/y/..;/..;/",
            "/x/y/../..;/",
            "/x//..;/",
            "/drain/..;/",
            // In a parameter nobody decodes: not even what could not be decoded is an error.
            "/;%2f/",
            "/;%2fx/",
            "/;%5c/",
            "/;%zz/",
            "/;%/",
            "/;%00/",
            "/;%0a/",
            "/.;%2f../",
            "/x;%2f/..;%zz/",
            // The absolute form of a request's target.
            "http://localhost/",
            "http://localhost//",
            "HTTP://localhost/;x/",
            "http://localhost/x/..;/");

    private static final List<String> NAMES =
            List.of("drain", "%64rain", "d%72ain", "dra%69n", "drai%6e", "drai%6E", "%64%72%61%69%6e");

    /** What may follow the name where readiness is asked for. */
    private static final List<String> READY = List.of(
            "/ready",
            "//ready",
            "/./ready",
            "/%2e/ready",
            ";/ready",
            ";x/ready",
            ";jsessionid=A.n1/ready",
            ";%2f/ready",
            ";%zz/ready",
            ";%00/ready",
            "/;/ready",
            "/.;x/ready",
            "/x/../ready",
            "/x/..;/ready",
            "/%72eady",
            "/ready;x",
            "/ready;%zz",
            "/x/y/..;/..;/ready",
            "/ready?prober=x",
            "/ready?",
            "/ready?/../../page");

    /** What may follow the name where the status is asked for. */
    private static final List<String> CONTROL = List.of(
            "", "?", ";", ";x", ";%2f", ";%zz", ";jsessionid=A.n1", "/x/..", "/x/..;y", "/.", "/./.", "/;x/..;/drain");

    /** Paths that Tomcat does not take for the drain's, though a front end that decodes once more would. */
    private static final List<String> OTHERS = List.of(
            "/%2564rain/ready",
            "/%252e/drain%2fready",
            "/%25%36%34rain/ready",
            "/;/%2564rain/ready",
            "/x/%252e%252e/drain/ready",
            "/%2fdrain/ready",
            "/x%2f../drain/ready",
            "/drain%2fready",
            "/drain%3bx/ready",
            "/drain%3fx",
            "/drain%23x",
            "/drain#x",
            "/drain%00/ready",
            "/drain%20/ready",
            "/drain%0a/ready",
            "/%c1%a4rain/ready",
            "/%u0064rain/ready",
            "/%5cdrain/ready",
            "/x%5c..%5cdrain/ready",
            "\\drain/ready",
            "/\\drain/ready",
            "/../drain/ready",
            "/x/../../drain/ready",
            "/;x/../drain/ready",
            ";/drain/ready",
            "drain/ready",
            "/DRAIN/ready",
            "/Drain/ready");

    /** What paths are made of at random. */
    private static final List<String> PIECES = List.of(
            "/",
            "/",
            "//",
            ";",
            ".",
            "..",
            "..;",
            "%2e",
            "%2f",
            "%5c",
            "%3b",
            "%25",
            "%zz",
            "%00",
            "?",
            "x",
            "drain",
            "drain",
            "%64rain",
            "/drain",
            "/drain/ready",
            "ready",
            "/ready");

    private static final int MOST_PIECES = 7;

    private DrainPaths() {}

    /** Returns the spellings of the path of readiness that Tomcat takes. */
    static List<String> ofReadiness() {
        List<String> forms = new ArrayList<>();
        BEFORE.forEach(before -> forms.add(before + "drain/ready"));
        BEFORE.forEach(before -> forms.add(before + "%64r%61in;x/ready"));
        NAMES.forEach(name -> forms.add("/" + name + "/ready"));
        NAMES.forEach(name -> forms.add("/x/..;/" + name + ";y/ready"));
        READY.forEach(after -> forms.add("/drain" + after));
        READY.forEach(after -> forms.add("/;%2f/dr%61in" + after));
        return forms;
    }

    /** Returns the spellings of the path of the status and of control that Tomcat takes. */
    static List<String> ofControl() {
        List<String> forms = new ArrayList<>();
        BEFORE.forEach(before -> forms.add(before + "drain"));
        NAMES.forEach(name -> forms.add("//" + name));
        CONTROL.forEach(after -> forms.add("/drain" + after));
        CONTROL.forEach(after -> forms.add("/;/dr%61in" + after));
        return forms;
    }

    /** Returns paths made at random, always the same ones; some of them Tomcat takes for the drain's. */
    static List<String> atRandom(int count) {
        var random = new Random(7);
        List<String> forms = new ArrayList<>();
        while (forms.size() < count) {
            var form = new StringBuilder("/");
            for (int left = 1 + random.nextInt(MOST_PIECES); left > 0; left--) {
                form.append(PIECES.get(random.nextInt(PIECES.size())));
            }
            forms.add(form.toString());
        }
        return forms;
    }

    /** Returns paths that Tomcat does not take for the drain's, and that must not become such behind a front end. */
    static List<String> ofNobody() {
        return OTHERS;
    }
}
