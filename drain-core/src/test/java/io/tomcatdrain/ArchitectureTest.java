package io.tomcatdrain;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.core.domain.Dependency;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.domain.JavaModifier;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.core.importer.ImportOption.DoNotIncludeTests;
import com.tngtech.archunit.core.importer.Location;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;
import java.util.Comparator;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;

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

    /** What feeds a drain with requests; an application that got hold of it could take the whole node down. */
    @ArchTest
    static final ArchRule onlyAdaptersFeedADrain = noClasses()
            .that()
            .resideOutsideOfPackages(
                    "io.tomcatdrain", "io.tomcatdrain.http", "io.tomcatdrain.valve", "io.tomcatdrain.filter")
            .should()
            .dependOnClassesThat()
            .belongToAnyOf(NodeDrain.class, Ticket.class, UploadSource.class)
            .allowEmptyShould(true);

    @ArchTest
    static void fewTypesArePublic(JavaClasses core) {
        assertThat(core.stream()
                        .filter(type ->
                                type.isTopLevelClass() && type.getModifiers().contains(JavaModifier.PUBLIC))
                        .map(JavaClass::getName))
                .hasSizeLessThanOrEqualTo(21);
    }

    @ArchTest
    static void noTwoClassesOfTheRootKnowEachOther(JavaClasses core) {
        Set<List<String>> arrows = new TreeSet<>(Comparator.comparing(List::toString));
        for (JavaClass from : core) {
            for (Dependency dependency : from.getDirectDependenciesFromSelf()) {
                JavaClass to = dependency.getTargetClass();
                if (isInRoot(from) && isInRoot(to)) {
                    arrows.add(List.of(outermost(from), outermost(to)));
                }
            }
        }
        assertThat(arrows).isNotEmpty();
        assertThat(arrows)
                .filteredOn(arrow -> !arrow.get(0).equals(arrow.get(1)))
                .noneMatch(arrow -> arrows.contains(List.of(arrow.get(1), arrow.get(0))));
    }

    private static boolean isInRoot(JavaClass type) {
        return type.getPackageName().equals("io.tomcatdrain");
    }

    private static String outermost(JavaClass type) {
        String name = type.getName();
        return name.contains("$") ? name.substring(0, name.indexOf('$')) : name;
    }

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
