package io.tomcatdrain;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;

import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.core.importer.ImportOption.DoNotIncludeTests;
import com.tngtech.archunit.core.importer.Location;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;

/** Holds the direction of the arrows between the packages of the core. */
@AnalyzeClasses(
        packages = "io.tomcatdrain",
        importOptions = {DoNotIncludeTests.class, ArchitectureTest.DoNotIncludeTestkit.class})
class ArchitectureTest {
    /** The one other module that these tests see. */
    static final class DoNotIncludeTestkit implements ImportOption {
        @Override
        public boolean includes(Location location) {
            return !location.contains("io/tomcatdrain/testkit/");
        }
    }

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
