package io.tomcatdrain.explore;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import org.objectweb.asm.ClassReader;
import org.objectweb.asm.ClassVisitor;
import org.objectweb.asm.ClassWriter;
import org.objectweb.asm.FieldVisitor;
import org.objectweb.asm.MethodVisitor;
import org.objectweb.asm.Opcodes;
import org.objectweb.asm.Type;
import org.objectweb.asm.commons.ClassRemapper;
import org.objectweb.asm.commons.SimpleRemapper;

/**
 * Loads the classes of one package anew, as they are but for a call of {@link Interleaver#point} before each access to what threads
 * share: volatile fields, {@code VarHandle}s, atomics and concurrent sets. Locks, parking and thread starts become the interleaver's.
 * What {@code SerialDispatcher} would run on threads of its own runs at once, since nothing of a drain waits for it.
 */
public final class SwitchPoints extends ClassLoader {
    static final String PACKAGE = "io.tomcatdrain";
    private static final String INTERLEAVER = Type.getInternalName(Interleaver.class);
    private static final int API = Opcodes.ASM9;

    /** Taken as the name of a class to be replaced: leaves out all locks. */
    public static final String LOCKS = "ReentrantLock";

    private final Map<String, String> replaced;

    /**
     * Makes a loader.
     *
     * @param replaced by the simple name of a class, that of one to take in its place, to see whether the defect in that is found
     */
    public SwitchPoints(Map<String, String> replaced) {
        super(SwitchPoints.class.getClassLoader());
        this.replaced = replaced;
    }

    @Override
    protected Class<?> loadClass(String name, boolean resolve) throws ClassNotFoundException {
        synchronized (getClassLoadingLock(name)) {
            if (!name.startsWith(PACKAGE + ".") || name.indexOf('.', PACKAGE.length() + 1) >= 0) {
                return super.loadClass(name, resolve);
            }
            Class<?> loaded = findLoadedClass(name);
            return loaded != null ? loaded : define(name);
        }
    }

    private Class<?> define(String name) {
        String simple = name.substring(PACKAGE.length() + 1);
        String source = replaced.getOrDefault(simple, simple);
        byte[] original = bytes(internal(source));
        ClassReader reader = new ClassReader(original);
        ClassWriter writer = new ClassWriter(0);
        ClassVisitor pointed = new Pointing(writer, volatiles(reader), !replaced.containsKey(LOCKS));
        reader.accept(
                source.equals(simple)
                        ? pointed
                        : new ClassRemapper(pointed, new SimpleRemapper(API, internal(source), internal(simple))),
                0);
        byte[] made = writer.toByteArray();
        return defineClass(name, made, 0, made.length);
    }

    private static String internal(String simple) {
        return (PACKAGE + "." + simple).replace('.', '/');
    }

    private byte[] bytes(String internalName) {
        try (InputStream in = getParent().getResourceAsStream(internalName + ".class")) {
            return in.readAllBytes();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static Set<String> volatiles(ClassReader reader) {
        Set<String> names = new HashSet<>();
        reader.accept(
                new ClassVisitor(API) {
                    @Override
                    public FieldVisitor visitField(int access, String name, String type, String generic, Object value) {
                        if ((access & Opcodes.ACC_VOLATILE) != 0) {
                            names.add(name);
                        }
                        return null;
                    }
                },
                ClassReader.SKIP_CODE);
        return names;
    }

    private static final class Pointing extends ClassVisitor {
        private final Set<String> volatiles;
        private final boolean locks;
        private String className = "";

        Pointing(ClassVisitor next, Set<String> volatiles, boolean locks) {
            super(API, next);
            this.volatiles = volatiles;
            this.locks = locks;
        }

        @Override
        public void visit(int version, int access, String name, String generic, String parent, String[] interfaces) {
            className = name;
            super.visit(version, access, name, generic, parent, interfaces);
        }

        @Override
        public MethodVisitor visitMethod(int access, String name, String type, String generic, String[] exceptions) {
            MethodVisitor next = super.visitMethod(access, name, type, generic, exceptions);
            if (className.endsWith("/SerialDispatcher") && name.equals("execute")) {
                runAtOnce(next);
                return null;
            }
            return new MethodVisitor(API, next) {
                private boolean call(String hook, String hookType) {
                    super.visitMethodInsn(Opcodes.INVOKESTATIC, INTERLEAVER, hook, hookType, false);
                    return true;
                }

                @Override
                public void visitFieldInsn(int opcode, String owner, String field, String fieldType) {
                    if (owner.equals(className) && volatiles.contains(field) && !name.equals("<init>")) {
                        call(opcode == Opcodes.GETFIELD ? "read" : "write", "()V");
                    }
                    super.visitFieldInsn(opcode, owner, field, fieldType);
                }

                @Override
                public void visitMethodInsn(
                        int opcode, String owner, String method, String methodType, boolean isInterface) {
                    boolean instead = switch (owner + "." + method) {
                        case "java/util/concurrent/locks/ReentrantLock.lock" ->
                            call(locks ? "lock" : "noLock", "(Ljava/util/concurrent/locks/ReentrantLock;)V");
                        case "java/util/concurrent/locks/ReentrantLock.unlock" ->
                            call(locks ? "unlock" : "noLock", "(Ljava/util/concurrent/locks/ReentrantLock;)V");
                        case "java/util/concurrent/locks/ReentrantLock.isHeldByCurrentThread" ->
                            call(locks ? "holds" : "holdsNone", "(Ljava/util/concurrent/locks/ReentrantLock;)Z");
                        case "java/util/concurrent/locks/LockSupport.parkNanos" -> call("park", methodType);
                        case "java/util/concurrent/locks/LockSupport.unpark" -> call("unpark", methodType);
                        case "java/lang/Thread.start" -> call("start", "(Ljava/lang/Thread;)V");
                        case "java/lang/Thread.getId" -> call("number", "(Ljava/lang/Thread;)J");
                        case "io/tomcatdrain/InFlightGate.stripesFor" -> call("stripes", methodType);
                        default -> false;
                    };
                    if (instead) {
                        return;
                    }
                    if (isShared(owner) && !method.equals("<init>")) {
                        call("point", "()V");
                    }
                    super.visitMethodInsn(opcode, owner, method, methodType, isInterface);
                }

                @Override
                public void visitInsn(int opcode) {
                    if (opcode == Opcodes.RETURN && className.endsWith("/DrainWorker") && name.equals("work")) {
                        call("end", "()V");
                    }
                    super.visitInsn(opcode);
                }
            };
        }

        private boolean isShared(String owner) {
            return owner.equals("java/lang/invoke/VarHandle")
                    || owner.startsWith("java/util/concurrent/atomic/Atomic")
                    || (owner.equals("java/util/Set") && className.endsWith("/UploadRegistry"))
                    || (owner.equals("java/util/Map") && className.endsWith("/UploadIndex"));
        }

        private static void runAtOnce(MethodVisitor execute) {
            execute.visitCode();
            execute.visitVarInsn(Opcodes.ALOAD, 1);
            execute.visitMethodInsn(Opcodes.INVOKEINTERFACE, "java/lang/Runnable", "run", "()V", true);
            execute.visitInsn(Opcodes.RETURN);
            execute.visitMaxs(1, 2);
            execute.visitEnd();
        }
    }
}
