package io.tomcatdrain.boot;

import org.springframework.boot.diagnostics.AbstractFailureAnalyzer;
import org.springframework.boot.diagnostics.FailureAnalysis;

/** Shows the one sentence that matters instead of a stack trace. Made by Spring Boot. */
final class InvalidDrainPropertyAnalyzer extends AbstractFailureAnalyzer<InvalidDrainPropertyException> {
    @Override
    protected FailureAnalysis analyze(Throwable rootFailure, InvalidDrainPropertyException cause) {
        return new FailureAnalysis(
                String.valueOf(cause.getMessage()),
                "Correct the property, or remove it to have its default. All of them are in tomcat-drain's docs/spring-boot.md.",
                cause);
    }
}
