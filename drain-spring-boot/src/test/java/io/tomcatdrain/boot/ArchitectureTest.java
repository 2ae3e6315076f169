package io.tomcatdrain.boot;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;

import com.tngtech.archunit.core.importer.ImportOption.DoNotIncludeTests;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;

/** An application need not have Micrometer, nor the actuator, nor Spring Cloud: only what is registered on their condition may name them. */
@AnalyzeClasses(packages = "io.tomcatdrain.boot", importOptions = DoNotIncludeTests.class)
class ArchitectureTest {
    @ArchTest
    static final ArchRule micrometerIsNamedWhereItIsAConditionOnly = noClasses()
            .that()
            .haveSimpleNameNotContaining("DrainMeterBinder")
            .and()
            .haveSimpleNameNotEndingWith("Metrics")
            .should()
            .dependOnClassesThat()
            .resideInAnyPackage("io.micrometer..", "io.tomcatdrain.metrics..");

    @ArchTest
    static final ArchRule actuatorIsNamedWhereItIsAConditionOnly = noClasses()
            .that()
            .haveSimpleNameNotContaining("Management")
            .and()
            .haveSimpleNameNotEndingWith("Health")
            .should()
            .dependOnClassesThat()
            .resideInAnyPackage("org.springframework.boot.actuate..", "org.springframework.boot.health..");

    @ArchTest
    static final ArchRule springCloudIsNamedWhereItIsAConditionOnly = noClasses()
            .that()
            .haveSimpleNameNotEndingWith("Registry")
            .should()
            .dependOnClassesThat()
            .resideInAnyPackage("org.springframework.cloud..");
}
