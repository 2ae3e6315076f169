package io.tomcatdrain.sample;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;

import com.tngtech.archunit.core.importer.ImportOption.DoNotIncludeTests;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;

/** The WAR holds the web package alone, so that package must not need anything else of the sample. */
@AnalyzeClasses(packages = "io.tomcatdrain.sample", importOptions = DoNotIncludeTests.class)
class ArchitectureTest {
    @ArchTest
    static final ArchRule webApplicationNeedsNeitherLauncherNorLibraries = noClasses()
            .that()
            .resideInAPackage("io.tomcatdrain.sample.web..")
            .should()
            .dependOnClassesThat()
            .resideOutsideOfPackages("java..", "jakarta.servlet..", "org.jspecify..", "io.tomcatdrain.sample.web..")
            .allowEmptyShould(true);
}
