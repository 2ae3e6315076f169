package io.tomcatdrain.sample;

import java.io.IOException;
import java.util.Map;
import org.apache.tomcat.util.json.JSONParser;
import org.apache.tomcat.util.json.ParseException;
import org.apache.tomcat.util.json.TokenMgrError;

/** Reads the server's answers with Tomcat's own parser. */
final class JsonText {
    private JsonText() {}

    /** The members of a JSON object. */
    static Map<String, Object> parse(String text) throws IOException {
        try {
            return new JSONParser(text).parseObject();
        } catch (ParseException | TokenMgrError e) { // an Error, for text that no token begins with
            throw new IOException("[" + text + "] is no JSON object", e);
        }
    }
}
