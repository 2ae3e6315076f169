package io.tomcatdrain.valve;

import java.io.IOException;
import java.io.InputStream;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Locale;
import org.objectweb.asm.ClassReader;
import org.objectweb.asm.ClassWriter;
import org.objectweb.asm.Opcodes;
import org.objectweb.asm.commons.ClassRemapper;
import org.objectweb.asm.commons.Remapper;

/**
 * Another copy of Tomcat, of the valve and of these tests, in which every member of Tomcat's of a certain name has another. Tomcat itself
 * works: all its uses are renamed with it.
 */
final class RenamedTomcat extends URLClassLoader {
    private static final String[] OURS = {"org.apache.", "io.tomcatdrain.", "jakarta."};

    private final String name;

    RenamedTomcat(String name) throws IOException {
        super("without " + name, classPath(), RenamedTomcat.class.getClassLoader());
        this.name = name;
    }

    private static URL[] classPath() throws IOException {
        String[] entries = System.getProperty("java.class.path").split(java.io.File.pathSeparator);
        URL[] urls = new URL[entries.length];
        for (int i = 0; i < urls.length; i++) {
            urls[i] = Path.of(entries[i]).toUri().toURL();
        }
        return urls;
    }

    @Override
    protected Class<?> loadClass(String type, boolean resolve) throws ClassNotFoundException {
        synchronized (getClassLoadingLock(type)) {
            Class<?> loaded = findLoadedClass(type);
            if (loaded == null && Arrays.stream(OURS).anyMatch(type::startsWith)) {
                loaded = findClass(type);
            }
            return loaded != null ? loaded : super.loadClass(type, resolve);
        }
    }

    @Override
    protected Class<?> findClass(String type) throws ClassNotFoundException {
        try (InputStream in = getResourceAsStream(type.replace('.', '/') + ".class")) {
            if (in == null) {
                throw new ClassNotFoundException(type);
            }
            byte[] bytes = in.readAllBytes();
            if (type.startsWith("org.apache.") && new String(bytes, StandardCharsets.ISO_8859_1).contains(name)) {
                bytes = renamed(bytes);
            }
            return defineClass(type, bytes, 0, bytes.length);
        } catch (IOException e) {
            throw new ClassNotFoundException(type, e);
        }
    }

    private byte[] renamed(byte[] bytes) {
        ClassWriter writer = new ClassWriter(0);
        new ClassReader(bytes)
                .accept(
                        new ClassRemapper(writer, new Remapper(Opcodes.ASM9) {
                            @Override
                            public String mapFieldName(String owner, String field, String descriptor) {
                                return rename(owner, field);
                            }

                            @Override
                            public String mapMethodName(String owner, String method, String descriptor) {
                                return rename(owner, method);
                            }

                            /** A constant of an enum has its name as text, too. */
                            @Override
                            public Object mapValue(Object value) {
                                boolean constant = name.equals(name.toUpperCase(Locale.ROOT));
                                return constant && name.equals(value) ? name + "Renamed" : super.mapValue(value);
                            }
                        }),
                        0);
        return writer.toByteArray();
    }

    private String rename(String owner, String member) {
        return owner.startsWith("org/apache/") && member.equals(name) ? member + "Renamed" : member;
    }
}
