package dev.sessera.tokens;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jose.util.JSONObjectUtils;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpRequest;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.springframework.security.oauth2.jwt.BadJwtException;

/** The table that all libraries share, played with a server and a clock that do what it says. */
class ConformanceTest {
    private static final Map<String, Object> TABLE = table();

    private static Map<String, Object> table() {
        try {
            return JSONObjectUtils.parse(Files.readString(Path.of("../conformance/conformance.json")));
        } catch (Exception error) {
            throw new IllegalStateException(error);
        }
    }

    @SuppressWarnings("unchecked")
    private static Map<String, Object> object(Object value) {
        return value == null ? Map.of() : (Map<String, Object>) value;
    }

    @SuppressWarnings("unchecked")
    private static <T> List<T> list(Object value) {
        return value == null ? List.of() : (List<T>) value;
    }

    private static Stream<DynamicTest> rows(String name, Play play) {
        return ConformanceTest.<Object>list(TABLE.get(name)).stream()
                .map(ConformanceTest::object)
                .map(row -> DynamicTest.dynamicTest((String) row.get("name"), () -> play.play(row)));
    }

    private interface Play {
        void play(Map<String, Object> row) throws Exception;
    }

    private static Object outcome(Callable<Object> work) throws Exception {
        try {
            return work.call();
        } catch (BadJwtException error) {
            return "refused";
        } catch (UnavailableException error) {
            return "unavailable";
        } catch (SessionGoneException error) {
            return "gone";
        }
    }

    private static Map<String, Object> layers(String member, Object... owners) {
        Map<String, Object> all = new HashMap<>();
        for (Object owner : owners) {
            all.putAll(object(object(owner).get(member)));
        }
        return all;
    }

    /** A clock that stands where the table says. */
    private static final class Told extends Clock {
        private long seconds;

        @Override
        public Instant instant() {
            return Instant.ofEpochSecond(seconds);
        }

        @Override
        public ZoneId getZone() {
            return ZoneOffset.UTC;
        }

        @Override
        public Clock withZone(ZoneId zone) {
            return this;
        }
    }

    @TestFactory
    Stream<DynamicTest> verifying() {
        return rows("verify", row -> {
            Map<String, Object> chosen = layers("settings", TABLE, row);
            var settings = new SesseraJwtDecoder.Settings(
                    (String) chosen.get("issuer"),
                    (String) chosen.get("audience"),
                    ConformanceTest.<String>list(chosen.get("algorithms")).stream()
                            .map(JWSAlgorithm::parse)
                            .collect(Collectors.toSet()),
                    Duration.ofSeconds((Long) chosen.get("leeway")),
                    (Boolean) chosen.get("status_list"));
            List<String> asks = new ArrayList<>();
            Map<String, Object> answers = new HashMap<>();
            Told clock = new Told();
            Fetch fetch = (address, sessionToken) -> {
                asks.add(address.toString());
                Map<String, Object> answer = object(answers.get(address.toString()));
                if (answer.isEmpty()) {
                    throw new IOException("no answer");
                }
                Object control = answer.get("cache_control");
                String body = (String) object(TABLE.get("bodies")).get(answer.get("body"));
                return new Fetch.Answer(((Long) answer.get("status")).intValue(), control == null ? "" : (String) control, body);
            };
            SesseraJwtDecoder decoder = new SesseraJwtDecoder(settings, fetch, clock);
            for (Object each : list(row.get("steps"))) {
                Map<String, Object> step = object(each);
                clock.seconds = (Long) step.get("at");
                asks.clear();
                answers.clear();
                answers.putAll(layers("answers", TABLE, row, step));
                Object verdict = outcome(() -> {
                    decoder.decode((String) step.get("token"));
                    return "good";
                });
                assertEquals(List.of(step.get("verdict"), step.get("asks")), List.of(verdict, asks));
            }
        });
    }

    @TestFactory
    Stream<DynamicTest> holding() {
        return rows("hold", row -> {
            long[] now = {0};
            Queue<Object> server = new ArrayDeque<>();
            Fetch fetch = (address, sessionToken) -> {
                assertEquals("session", sessionToken);
                Map<String, Object> answer = object(server.remove());
                if (answer.isEmpty()) {
                    throw new IOException("no answer");
                }
                return new Fetch.Answer(((Long) answer.get("status")).intValue(), "", (String) answer.get("body"));
            };
            TokenHolder holder = new TokenHolder("https://id.example.org/", "api", "session", fetch, () -> now[0]);
            for (Object each : list(row.get("steps"))) {
                Map<String, Object> step = object(each);
                now[0] = Duration.ofSeconds((Long) step.get("after")).toNanos();
                // A queue has no place for null.
                list(step.get("server")).forEach(answer -> server.add(object(answer)));
                if (step.get("do").equals("request")) {
                    Queue<Object> resource = new ArrayDeque<>(list(step.get("resource")));
                    List<String> sent = new ArrayList<>();
                    HttpRequest request = HttpRequest.newBuilder(URI.create("https://api.example.org/")).build();
                    Object gives = outcome(() -> (long) holder.send(request, carried -> {
                                sent.add(carried.headers().firstValue("authorization").orElseThrow().substring(7));
                                return new Status(((Long) resource.remove()).intValue());
                            })
                            .statusCode());
                    assertEquals(List.of(step.get("gives"), step.get("sent")), List.of(gives, sent));
                } else {
                    int count = ((Long) step.get("at_once")).intValue();
                    ExecutorService pool = Executors.newFixedThreadPool(count);
                    List<Callable<Object>> works = new ArrayList<>();
                    for (int nth = 0; nth < count; nth++) {
                        works.add(() -> outcome(holder::token));
                    }
                    for (Future<Object> given : pool.invokeAll(works)) {
                        assertEquals(step.getOrDefault("token", step.get("gives")), given.get());
                    }
                    pool.shutdown();
                }
                assertEquals(0, server.size());
            }
        });
    }
}
