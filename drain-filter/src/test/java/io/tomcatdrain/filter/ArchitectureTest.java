package io.tomcatdrain.filter;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;

import com.tngtech.archunit.core.importer.ImportOption.DoNotIncludeTests;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;

/** The filter must run in any container, with or without Micrometer. */
@AnalyzeClasses(packages = "io.tomcatdrain.filter", importOptions = DoNotIncludeTests.class)
class ArchitectureTest {
    @ArchTest
    static final ArchRule filterSeesNoValveNoTomcatNoMicrometer = noClasses()
            .should()
            .dependOnClassesThat()
            .resideInAnyPackage("io.tomcatdrain.valve..", "io.tomcatdrain.metrics..", "io.micrometer..", "org.apache..")
            .allowEmptyShould(true);
}
