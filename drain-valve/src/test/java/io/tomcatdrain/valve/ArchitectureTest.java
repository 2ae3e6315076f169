package io.tomcatdrain.valve;

import static com.tngtech.archunit.base.DescribedPredicate.not;
import static com.tngtech.archunit.core.domain.JavaCall.Predicates.target;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.assignableTo;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAPackage;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAnyPackage;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.type;
import static com.tngtech.archunit.core.domain.properties.HasName.Predicates.nameMatching;
import static com.tngtech.archunit.core.domain.properties.HasOwner.Predicates.With.owner;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;

import com.tngtech.archunit.core.importer.ImportOption.DoNotIncludeTests;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;
import io.tomcatdrain.DrainSettings;
import java.lang.invoke.MethodHandles;

/** The valve must start in Tomcat's lib/, where there is neither a filter nor Micrometer. */
@AnalyzeClasses(
        packages = {"io.tomcatdrain.valve", "io.tomcatdrain.cli"},
        importOptions = DoNotIncludeTests.class)
class ArchitectureTest {
    @ArchTest
    static final ArchRule valveSeesNeitherFilterNorMicrometer = noClasses()
            .should()
            .dependOnClassesThat()
            .resideInAnyPackage("io.tomcatdrain.filter..", "io.tomcatdrain.metrics..", "io.micrometer..")
            .allowEmptyShould(true);

    /** So that what a Tomcat may lack is in one place, each with what is done without it. */
    @ArchTest
    static final ArchRule onlyOneClassReflects = noClasses()
            .that()
            .doNotHaveFullyQualifiedName(TomcatInternals.class.getName())
            .and()
            .doNotHaveFullyQualifiedName(Members.class.getName())
            .should()
            .dependOnClassesThat()
            .resideInAnyPackage("java.lang.reflect..")
            .orShould()
            .callMethodWhere(target(owner(assignableTo(Class.class)))
                    .and(target(nameMatching("get(Declared)?(Field|Method|Constructor)s?|forName"))))
            .orShould()
            .dependOnClassesThat()
            .areAssignableTo(MethodHandles.class);

    /** It runs where there is no Tomcat. */
    @ArchTest
    static final ArchRule terminalSeesTheSettingsOnly = noClasses()
            .that()
            .resideInAPackage("io.tomcatdrain.cli")
            .should()
            .dependOnClassesThat(resideInAnyPackage("io.tomcatdrain..", "org.apache..", "jakarta..")
                    .and(not(resideInAPackage("io.tomcatdrain.cli")))
                    .and(not(type(DrainSettings.class))));
}
