package io.tomcatdrain;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/**
 * Says which lock a thread holds when it uses a field or calls a method. Error Prone checks it: it knows the annotation by its simple
 * name, so that none of its jars is needed.
 */
@Retention(RetentionPolicy.SOURCE)
@Target({ElementType.FIELD, ElementType.METHOD})
@interface GuardedBy {

    /** Returns the lock's expression. */
    String value();
}
