package io.tomcatdrain.boot;

import org.jspecify.annotations.Nullable;
import org.springframework.boot.diagnostics.AbstractFailureAnalyzer;
import org.springframework.boot.diagnostics.FailureAnalysis;

/** Shows what a valve says that did not start: what only Tomcat can tell, such as the port of a connector. Made by Spring Boot. */
final class InvalidDrainValveAnalyzer extends AbstractFailureAnalyzer<IllegalArgumentException> {
    @Override
    protected @Nullable FailureAnalysis analyze(Throwable rootFailure, IllegalArgumentException cause) {
        String message = String.valueOf(cause.getMessage());
        return message.startsWith("DrainValve[")
                ? new FailureAnalysis(
                        message,
                        "Correct the property drain.* of that name, or what the application gives to its own DrainValve, or remove it to have its"
                                + " default. All of them are in tomcat-drain's docs/spring-boot.md.",
                        cause)
                : null;
    }
}
