package io.tomcatdrain.cli;

import io.tomcatdrain.DrainSettings;
import java.io.ByteArrayOutputStream;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/**
 * What is uploaded: a form with fields and a file, or the bare bytes of a canary. Immutable.
 *
 * @param target where to
 * @param headers what the request needs besides its length
 * @param before the part of the body before the file's content
 * @param after the part behind it
 */
record Upload(URI target, Map<String, String> headers, String before, String after) {
    private static final String BOUNDARY = "tomcat-drain-check-7d1f0c5a93";

    /** Makes an upload to the nodes' own canary. */
    static Upload canary(URI target, String token) {
        return new Upload(
                target, Map.of("Authorization", "Bearer " + token, "Content-Type", "application/octet-stream"), "", "");
    }

    /**
     * Makes a form.
     *
     * @param fields each as {@code name=value}
     * @param file the name of the file's field
     */
    static Upload form(URI target, List<String> fields, String file) {
        StringBuilder before = new StringBuilder();
        for (String field : fields) {
            int equals = field.indexOf('=');
            if (equals <= 0) {
                throw new IllegalArgumentException("option [--field] has the value ["
                        + DrainSettings.quotable(field)
                        + "]: give a name and a value, such as --field case=17");
            }
            before.append(part(field.substring(0, equals)))
                    .append("\r\n\r\n")
                    .append(field.substring(equals + 1))
                    .append("\r\n");
        }
        before.append(part(file)).append("; filename=\"check.bin\"\r\nContent-Type: application/octet-stream\r\n\r\n");
        return new Upload(
                target,
                Map.of("Content-Type", "multipart/form-data; boundary=" + BOUNDARY),
                before.toString(),
                "\r\n--" + BOUNDARY + "--\r\n");
    }

    private static String part(String name) {
        return "--" + BOUNDARY + "\r\nContent-Disposition: form-data; name=\"" + name.replace("\"", "%22") + "\"";
    }

    /** Returns a whole body with a file of so many bytes. */
    byte[] body(int fileBytes) {
        ByteArrayOutputStream body = new ByteArrayOutputStream(fileBytes + 4_096);
        body.writeBytes(before.getBytes(StandardCharsets.UTF_8));
        byte[] file = new byte[fileBytes];
        Arrays.fill(file, (byte) 'x');
        body.writeBytes(file);
        body.writeBytes(after.getBytes(StandardCharsets.UTF_8));
        return body.toByteArray();
    }
}
