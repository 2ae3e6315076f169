package io.tomcatdrain.http;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class AcceptHeaderTest {
    @ParameterizedTest(name = "[{0}] likes {1} best")
    @CsvSource(delimiter = '|', textBlock = """
            */*                                                                     | TEXT
            ''                                                                      | TEXT
            text/html,application/xhtml+xml,application/xml;q=0.9,image/webp,*/*;q=0.8 | HTML
            TEXT/HTML                                                               | HTML
            text/html;level=1;q=0.4, text/plain;q=0.3                               | HTML
            application/json                                                        | JSON
            application/problem+json, */*;q=0.1                                     | JSON
            application/json, text/plain, */*                                       | JSON
            text/plain, application/json                                            | TEXT
            application/*                                                           | JSON
            text/*                                                                  | TEXT
            text/*, text/plain;q=0                                                  | HTML
            */*, text/plain;q=0                                                     | JSON
            */*;q=0.5, text/plain;q=0, application/json;q=0, application/problem+json;q=0 | HTML
            text/html;q=0                                                           | TEXT
            text/html;q=0, application/json;q=0.001                                 | JSON
            application/json;q=0, application/problem+json                          | JSON
            */*;q=0                                                                 | TEXT
            image/png                                                               | TEXT
            text/html;q=abc, application/json;q=0.1                                 | JSON
            text/html;q=1.7, application/json;q=0.9                                 | HTML
            text/html;q=-1, application/json;q=0.9                                  | JSON
            text/html ; Q=0.2 , application/json ; q=0.9                            | JSON
            ,,;,text/html;;,                                                        | HTML
            html                                                                    | TEXT
            /*                                                                      | TEXT
            """)
    void prefersWhatTheClientPrefers(String header, AcceptHeader expected) {
        assertThat(best(header)).isEqualTo(expected);
    }

    @Test
    void takesSeveralHeadersAsOne() {
        assertThat(best("text/plain;q=0.3", "text/html")).isEqualTo(AcceptHeader.HTML);
    }

    @Test
    void isPlainTextWithoutAHeader() {
        assertThat(best()).isEqualTo(AcceptHeader.TEXT);
        assertThat(AcceptHeader.best(null)).isEqualTo(AcceptHeader.TEXT);
    }

    @Test
    void looksAtTheFirst32RangesOnly() {
        String thirtyOne = "a/b,".repeat(31);

        assertThat(best(thirtyOne + "text/html")).isEqualTo(AcceptHeader.HTML);
        assertThat(best(thirtyOne + "a/b,text/html")).isEqualTo(AcceptHeader.TEXT);
        assertThat(best(thirtyOne + "a/b", "text/html")).isEqualTo(AcceptHeader.TEXT);
    }

    @Test
    void looksAtTheFirst2000CharactersOnly() {
        assertThat(best(" ".repeat(2_000) + ",text/html")).isEqualTo(AcceptHeader.TEXT);
    }

    @ParameterizedTest(name = "[{0}] names text: {1}")
    @CsvSource(delimiter = '|', textBlock = """
            text/plain                         | true
            TEXT/PLAIN;q=0.5                   | true
            text/plain, application/json       | true
            text/plain, */*;q=0.1              | true
            application/json, text/plain, */*  | false
            text/plain;q=0.5, application/json | false
            text/plain;q=0                     | false
            text/*                             | false
            */*                                | false
            ''                                 | false
            """)
    void textMustBeNamed(String header, boolean named) {
        assertThat(AcceptHeader.namesText(Collections.enumeration(List.of(header))))
                .isEqualTo(named);
    }

    private static AcceptHeader best(String... headers) {
        List<String> values = Arrays.asList(headers);
        return AcceptHeader.best(Collections.enumeration(values));
    }
}
