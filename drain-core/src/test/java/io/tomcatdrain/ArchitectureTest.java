package io.tomcatdrain;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;

import com.tngtech.archunit.core.importer.ImportOption.DoNotIncludeTests;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;

/** Holds the direction of the arrows between the packages of the core. */
@AnalyzeClasses(packages = "io.tomcatdrain", importOptions = DoNotIncludeTests.class)
class ArchitectureTest {
    @ArchTest
    static final ArchRule rootSeesNoneOfItsUsers = noClasses()
            .that()
            .resideInAPackage("io.tomcatdrain")
            .should()
            .dependOnClassesThat()
            .resideInAnyPackage("io.tomcatdrain.*..")
            .allowEmptyShould(true);

    @ArchTest
    static final ArchRule onlyMetricsSeesMicrometer = noClasses()
            .that()
            .resideOutsideOfPackage("io.tomcatdrain.metrics..")
            .should()
            .dependOnClassesThat()
            .resideInAPackage("io.micrometer..")
            .allowEmptyShould(true);

    @ArchTest
    static final ArchRule onlyHttpSeesTheServletApi = noClasses()
            .that()
            .resideOutsideOfPackage("io.tomcatdrain.http..")
            .should()
            .dependOnClassesThat()
            .resideInAPackage("jakarta.servlet..")
            .allowEmptyShould(true);
}
