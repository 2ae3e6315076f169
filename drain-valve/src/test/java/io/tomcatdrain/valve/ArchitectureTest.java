package io.tomcatdrain.valve;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;

import com.tngtech.archunit.core.importer.ImportOption.DoNotIncludeTests;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;

/** The valve must start in Tomcat's lib/, where there is neither a filter nor Micrometer. */
@AnalyzeClasses(packages = "io.tomcatdrain.valve", importOptions = DoNotIncludeTests.class)
class ArchitectureTest {
    @ArchTest
    static final ArchRule valveSeesNeitherFilterNorMicrometer = noClasses()
            .should()
            .dependOnClassesThat()
            .resideInAnyPackage("io.tomcatdrain.filter..", "io.tomcatdrain.metrics..", "io.micrometer..")
            .allowEmptyShould(true);
}
