package io.tomcatdrain.testkit.fleet;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;

/** One filled form: text fields before and after a file of random content, and what the node must answer to it. */
public final class UploadForm {
    private static final int POOL_BYTES = 16 << 20;
    private static final byte[] POOL = randomBytes();
    private static final ObjectMapper JSON = new ObjectMapper();

    private final Map<String, String> fields = new TreeMap<>();
    private final String boundary;
    private final String fileName;
    private final int offset;
    private final int size;

    private UploadForm(Random random, int size) {
        this.size = size;
        this.offset = random.nextInt(POOL_BYTES - size);
        this.boundary = "form-" + Long.toHexString(random.nextLong());
        this.fileName = "scan-" + random.nextInt(1_000_000) + ".tif";
        fields.put("case", "C-" + random.nextInt(1_000_000));
        fields.put("author", "Zoë Ångström " + random.nextInt(1_000));
        fields.put("comment", "line one, line two & more = " + Long.toHexString(random.nextLong()));
    }

    public static UploadForm random(Random random, int size) {
        return new UploadForm(random, size);
    }

    public String contentType() {
        return "multipart/form-data; boundary=" + boundary;
    }

    public int fileSize() {
        return size;
    }

    public int length() {
        return head().length + size + tail().length;
    }

    /** The bytes before the file's content. */
    public byte[] head() {
        return utf8(field("case")
                + field("author")
                + "--" + boundary + "\r\nContent-Disposition: form-data; name=\"file\"; filename=\"" + fileName
                + "\"\r\nContent-Type: image/tiff\r\n\r\n");
    }

    /** The bytes after it: a form goes on behind its file. */
    public byte[] tail() {
        return utf8("\r\n" + field("comment") + "--" + boundary + "--\r\n");
    }

    /** The array that holds the file's content, from {@link #fileOffset()} on. */
    public byte[] fileSource() {
        return POOL;
    }

    public int fileOffset() {
        return offset;
    }

    /** What differs between this form and the node's report about it; empty when all arrived as it was sent. */
    public String difference(String report) throws IOException {
        var received = JSON.readTree(report);
        var wrong = new StringBuilder();
        fields.forEach((name, value) ->
                compare(wrong, name, value, text(received.path("fields").path(name))));
        compare(wrong, "number of files", "1", "" + received.path("files").size());
        var file = received.path("files").path(0);
        compare(wrong, "file name", fileName, text(file.path("name")));
        compare(wrong, "size", "" + size, text(file.path("size")));
        compare(wrong, "sha256", sha256(new byte[0], new byte[0]), text(file.path("sha256")));
        return wrong.toString();
    }

    private static void compare(StringBuilder wrong, String what, String sent, String received) {
        if (!sent.equals(received)) {
            wrong.append(what + ": sent [" + sent + "], received [" + received + "]; ");
        }
    }

    /** The same for a node that took the whole body as it came, without looking for a form in it. */
    String differenceOfBody(String report) throws IOException {
        var received = JSON.readTree(report);
        var wrong = new StringBuilder();
        compare(wrong, "size", "" + length(), text(received.path("size")));
        compare(wrong, "sha256", sha256(head(), tail()), text(received.path("sha256")));
        return wrong.toString();
    }

    /** A value, or the one value of a list. */
    private static String text(JsonNode node) {
        return node.isArray() && node.size() == 1 ? node.path(0).asText() : node.asText();
    }

    private String field(String name) {
        return "--" + boundary + "\r\nContent-Disposition: form-data; name=\"" + name
                + "\"\r\nContent-Type: text/plain; charset=UTF-8\r\n\r\n" + fields.get(name) + "\r\n";
    }

    private String sha256(byte[] before, byte[] after) {
        try {
            var digest = MessageDigest.getInstance("SHA-256");
            digest.update(before);
            digest.update(POOL, offset, size);
            return HexFormat.of().formatHex(digest.digest(after));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }

    private static byte[] utf8(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private static byte[] randomBytes() {
        var bytes = new byte[POOL_BYTES];
        new Random(20_261_122).nextBytes(bytes);
        return bytes;
    }
}
