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
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
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
            Table.Told clock = new Table.Told();
            List<String> asks = new ArrayList<>();
            Map<String, Object> answers = new HashMap<>();
            Fetch fetch = (address, sessionToken) -> {
                asks.add(address.toString());
                Map<String, Object> answer = Table.object(answers.get(address.toString()));
                clock.seconds += (Long) answer.getOrDefault("takes", 0L);
                if (!answer.containsKey("status")) {
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
                int count = ((Long) step.getOrDefault("at_once", 1L)).intValue();
                List<Object> verdicts = Table.atOnce(count, step, () -> {
                    decoder.decode((String) step.get("token"));
                    return "good";
                });
                assertEquals(Set.of(step.get("verdict")), Set.copyOf(verdicts));
                assertEquals(step.get("asks"), asks);
            }
        });
    }

    @Test
    void keysThatAreStillGoodServeWhileAnUnknownOneIsAskedFor() throws Exception {
        Map<String, Object> row = Table.<Object>list(Table.TABLE.get("verify")).stream()
                .map(Table::object)
                .filter(each -> ((String) each.get("name")).startsWith("an unknown key makes"))
                .findFirst()
                .orElseThrow();
        Map<String, Object> known = Table.object(Table.list(row.get("steps")).get(0));
        Map<String, Object> stranger = Table.object(Table.list(row.get("steps")).get(1));
        Table.Told clock = new Table.Told();
        clock.seconds = (Long) known.get("at");
        CountDownLatch began = new CountDownLatch(1);
        CountDownLatch goesOn = new CountDownLatch(1);
        Fetch fetch = (address, sessionToken) -> {
            if (clock.seconds == (Long) stranger.get("at")) {
                began.countDown();
                goesOn.await();
            }
            Map<String, Object> answer = Table.object(Table.object(Table.TABLE.get("answers")).get(address.toString()));
            String body = (String) Table.object(Table.TABLE.get("bodies")).get(answer.get("body"));
            return new Fetch.Answer(200, (String) answer.get("cache_control"), body);
        };
        Map<String, Object> usual = Table.object(Table.TABLE.get("settings"));
        var settings = new SesseraJwtDecoder.Settings((String) usual.get("issuer"), (String) usual.get("audience"));
        SesseraJwtDecoder decoder = new SesseraJwtDecoder(settings, fetch, clock);
        decoder.decode((String) known.get("token"));
        clock.seconds = (Long) stranger.get("at");
        ExecutorService pool = Executors.newFixedThreadPool(2);
        try {
            Future<Object> waiting = pool.submit(() -> Table.outcome(() -> decoder.decode((String) stranger.get("token"))));
            began.await();
            // Whoever waited here would do so for ever.
            pool.submit(() -> decoder.decode((String) known.get("token"))).get(30, TimeUnit.SECONDS);
            goesOn.countDown();
            assertEquals("refused", waiting.get());
        } finally {
            pool.shutdownNow();
        }
    }
}
