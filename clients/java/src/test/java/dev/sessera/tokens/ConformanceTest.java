package dev.sessera.tokens;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.nimbusds.jose.JWSAlgorithm;
import dev.sessera.tokens.status.StatusLists;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/** The table that all libraries share, played with a server and a clock that do what it says. */
class ConformanceTest {
    @TestFactory
    Stream<DynamicTest> verifying() {
        return Table.rows("verify", row -> {
            Map<String, Object> chosen = Table.layers("settings", Table.TABLE, row);
            var settings = new SesseraJwtDecoder.Settings(
                    (String) chosen.get("issuer"),
                    (String) chosen.get("audience"),
                    Table.<String>list(chosen.get("algorithms")).stream()
                            .map(JWSAlgorithm::parse)
                            .collect(Collectors.toSet()),
                    Duration.ofSeconds((Long) chosen.get("leeway")),
                    (Boolean) chosen.get("status_list") ? List.of(new StatusLists()) : List.of());
            List<String> asks = new ArrayList<>();
            Map<String, Object> answers = new HashMap<>();
            Table.Told clock = new Table.Told();
            Fetch fetch = (address, sessionToken) -> {
                asks.add(address.toString());
                Map<String, Object> answer = Table.object(answers.get(address.toString()));
                if (answer.isEmpty()) {
                    throw new IOException("no answer");
                }
                Object control = answer.get("cache_control");
                String body = (String) Table.object(Table.TABLE.get("bodies")).get(answer.get("body"));
                return new Fetch.Answer(((Long) answer.get("status")).intValue(), control == null ? "" : (String) control, body);
            };
            SesseraJwtDecoder decoder = new SesseraJwtDecoder(settings, fetch, clock);
            for (Object each : Table.list(row.get("steps"))) {
                Map<String, Object> step = Table.object(each);
                clock.seconds = (Long) step.get("at");
                asks.clear();
                answers.clear();
                answers.putAll(Table.layers("answers", Table.TABLE, row, step));
                Object verdict = Table.outcome(() -> {
                    decoder.decode((String) step.get("token"));
                    return "good";
                });
                assertEquals(List.of(step.get("verdict"), step.get("asks")), List.of(verdict, asks));
            }
        });
    }
}
