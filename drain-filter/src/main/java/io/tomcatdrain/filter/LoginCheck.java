package io.tomcatdrain.filter;

import jakarta.servlet.ServletContext;
import java.io.InputStream;
import java.io.StringReader;
import java.lang.System.Logger.Level;
import java.util.ArrayList;
import java.util.List;
import javax.xml.XMLConstants;
import javax.xml.parsers.DocumentBuilder;
import javax.xml.parsers.DocumentBuilderFactory;
import org.jspecify.annotations.Nullable;
import org.w3c.dom.Document;
import org.w3c.dom.Element;
import org.w3c.dom.NodeList;
import org.xml.sax.InputSource;

/**
 * Finds out from {@code WEB-INF/web.xml} whether the container asks for a login before a prober gets to the filter: it checks security
 * constraints first, and there is no API that shows them. What annotations and code add is not seen.
 */
final class LoginCheck {
    private static final System.Logger LOG = System.getLogger(LoginCheck.class.getName());

    private LoginCheck() {}

    /**
     * Returns the URL pattern by which GET requests for a path need a login.
     *
     * @param path below the context's
     * @return null if none does, or if that cannot be known
     */
    static @Nullable String patternThatGuards(ServletContext context, String path) {
        try (InputStream in = context.getResourceAsStream("/WEB-INF/web.xml")) {
            return in == null ? null : patternThatGuards(builder().parse(in), path);
        } catch (Exception unreadable) {
            LOG.log(
                    Level.DEBUG,
                    "WEB-INF/web.xml was not looked at",
                    unreadable); // the container says what is wrong with it
            return null;
        }
    }

    /** What stands outside the file is not read, not even its document type. */
    private static DocumentBuilder builder() throws Exception {
        DocumentBuilderFactory factory = DocumentBuilderFactory.newInstance();
        factory.setFeature(XMLConstants.FEATURE_SECURE_PROCESSING, true);
        factory.setNamespaceAware(true);
        DocumentBuilder builder = factory.newDocumentBuilder();
        builder.setEntityResolver((publicId, systemId) -> new InputSource(new StringReader("")));
        builder.setErrorHandler(null);
        return builder;
    }

    /** The most specific pattern decides; of several constraints with it one without a login opens it (Servlet 6.0, 13.8.1). */
    private static @Nullable String patternThatGuards(Document webXml, String path) {
        String decisive = null;
        boolean guarded = false;
        for (Element constraint : all(webXml.getDocumentElement(), "security-constraint")) {
            boolean login = !all(constraint, "auth-constraint").isEmpty();
            for (Element resources : all(constraint, "web-resource-collection")) {
                if (!isForGet(resources)) {
                    continue;
                }
                for (String pattern : texts(resources, "url-pattern")) {
                    int more = Integer.compare(rank(pattern, path), decisive == null ? 0 : rank(decisive, path));
                    if (more > 0) {
                        decisive = pattern;
                        guarded = login;
                    } else if (more == 0 && decisive != null) {
                        guarded &= login;
                    }
                }
            }
        }
        return guarded ? decisive : null;
    }

    private static boolean isForGet(Element resources) {
        List<String> methods = texts(resources, "http-method");
        return methods.isEmpty() ? !texts(resources, "http-method-omission").contains("GET") : methods.contains("GET");
    }

    /** Returns how specific the pattern is for the path; 0 if it does not match. */
    private static int rank(String pattern, String path) {
        if (pattern.equals(path)) {
            return Integer.MAX_VALUE;
        }
        if (pattern.endsWith("/*") && (path + "/").startsWith(pattern.substring(0, pattern.length() - 1))) {
            return 1 + pattern.length();
        }
        return pattern.equals("/") ? 1 : 0; // the path has no extension
    }

    private static List<String> texts(Element parent, String name) {
        return all(parent, name).stream()
                .map(element -> element.getTextContent().strip())
                .toList();
    }

    private static List<Element> all(Element parent, String name) {
        NodeList nodes = parent.getElementsByTagNameNS("*", name);
        List<Element> elements = new ArrayList<>();
        for (int i = 0; i < nodes.getLength(); i++) {
            elements.add((Element) nodes.item(i));
        }
        return elements;
    }
}
