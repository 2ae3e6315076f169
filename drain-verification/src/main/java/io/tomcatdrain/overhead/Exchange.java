package io.tomcatdrain.overhead;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** A request that is sent over and over, in the bytes of HTTP/1.1. Immutable; its arrays are never written to. */
final class Exchange {
    /** What a browser sends behind a reverse proxy. */
    private static final List<Map.Entry<String, String>> USUAL = List.of(
            Map.entry("Host", "localhost"),
            Map.entry("User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"),
            Map.entry("Accept", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"),
            Map.entry("Accept-Language", "en-GB,en;q=0.5"),
            Map.entry("Accept-Encoding", "gzip, deflate, br"),
            Map.entry("X-Forwarded-For", "203.0.113.7"));

    static final Exchange PLAIN_GET = new Exchange("GET", "/app/hello", USUAL, "");
    static final Exchange MULTIPART_POST = multipart("/app/hello");

    final byte[] method;
    final byte[] uri;
    final byte[][] headerNames;
    final byte[][] headerValues;
    final byte[] body;

    private Exchange(String method, String uri, List<Map.Entry<String, String>> headers, String body) {
        this.method = bytes(method);
        this.uri = bytes(uri);
        this.headerNames =
                headers.stream().map(header -> bytes(header.getKey())).toArray(byte[][]::new);
        this.headerValues =
                headers.stream().map(header -> bytes(header.getValue())).toArray(byte[][]::new);
        this.body = bytes(body);
    }

    /** Returns an upload that the servlet never answers, with a path that no other has. */
    static Exchange heldUpload(int number) {
        return multipart("/app/held/" + number);
    }

    private static Exchange multipart(String uri) {
        String body = "--cut\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.txt\"\r\n\r\n"
                + "0123456789".repeat(20) + "\r\n--cut--\r\n";
        List<Map.Entry<String, String>> headers = new ArrayList<>(USUAL);
        headers.add(Map.entry("Content-Type", "multipart/form-data; boundary=cut"));
        headers.add(Map.entry("Content-Length", Integer.toString(body.length())));
        return new Exchange("POST", uri, headers, body);
    }

    /** Returns the request so many times in a row, as it goes over a connection. */
    ByteBuffer onTheWire(int times) {
        StringBuilder head = new StringBuilder(text(method) + " " + text(uri) + " HTTP/1.1\r\n");
        for (int i = 0; i < headerNames.length; i++) {
            head.append(text(headerNames[i]))
                    .append(": ")
                    .append(text(headerValues[i]))
                    .append("\r\n");
        }
        String once = head.append("\r\n").append(text(body)).toString();
        return ByteBuffer.wrap(bytes(Stream.generate(() -> once).limit(times).collect(Collectors.joining())));
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.ISO_8859_1);
    }

    private static String text(byte[] bytes) {
        return new String(bytes, StandardCharsets.ISO_8859_1);
    }
}
