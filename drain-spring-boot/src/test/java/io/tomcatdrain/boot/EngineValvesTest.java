package io.tomcatdrain.boot;

import static org.assertj.core.api.Assertions.assertThat;

import io.tomcatdrain.valve.DrainValve;
import java.util.List;
import org.apache.catalina.Valve;
import org.apache.catalina.valves.ErrorReportValve;
import org.junit.jupiter.api.Test;

class EngineValvesTest {
    private final Valve management = new ErrorReportValve();
    private final Valve drain = new DrainValve();
    private final Valve other = new ErrorReportValve();
    private final Valve another = new ErrorReportValve();
    private final EngineValves ours = new EngineValves(List.of(management, drain));

    @Test
    void theyAreBehindThoseOfTheFactory() {
        assertThat(ours.joinedTo(List.of())).containsExactly(management, drain);
        assertThat(ours.joinedTo(List.of(other, another))).containsExactly(other, another, management, drain);
    }

    @Test
    void theyAreWhereTheDrainIsAlready() {
        assertThat(ours.joinedTo(List.of(drain))).containsExactly(management, drain);
        assertThat(ours.joinedTo(List.of(drain, other))).containsExactly(management, drain, other);
        assertThat(ours.joinedTo(List.of(other, drain, drain, another)))
                .containsExactly(other, management, drain, another);
        assertThat(ours.joinedTo(List.of(management, other, drain)))
                .as("put in twice")
                .containsExactly(other, management, drain);
    }
}
