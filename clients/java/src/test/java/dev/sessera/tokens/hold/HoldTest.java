package dev.sessera.tokens.hold;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.sessera.tokens.Fetch;
import dev.sessera.tokens.Table;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpRequest;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/** The table that all libraries share, played with a server and a clock that do what it says. */
class HoldTest {
    @TestFactory
    Stream<DynamicTest> holding() {
        return Table.rows("hold", row -> {
            long[] now = {0};
            Queue<Object> server = new ArrayDeque<>();
            Fetch fetch = (address, sessionToken) -> {
                assertEquals("session", sessionToken);
                Map<String, Object> answer = Table.object(server.remove());
                now[0] += Duration.ofSeconds((Long) answer.getOrDefault("takes", 0L)).toNanos();
                if (!answer.containsKey("status")) {
                    throw new IOException("no answer");
                }
                return new Fetch.Answer(((Long) answer.get("status")).intValue(), "", (String) answer.get("body"));
            };
            TokenHolder holder = new TokenHolder("https://id.example.org/", "api", "session", fetch, () -> now[0]);
            for (Object each : Table.list(row.get("steps"))) {
                Map<String, Object> step = Table.object(each);
                now[0] = Duration.ofSeconds((Long) step.get("after")).toNanos();
                // A queue has no place for null.
                Table.list(step.get("server")).forEach(answer -> server.add(Table.object(answer)));
                if (step.get("do").equals("request")) {
                    Queue<Object> resource = new ArrayDeque<>(Table.list(step.get("resource")));
                    List<String> sent = new ArrayList<>();
                    HttpRequest request = HttpRequest.newBuilder(URI.create("https://api.example.org/")).build();
                    Object gives = Table.outcome(() -> (long) holder.send(request, carried -> {
                                sent.add(carried.headers().firstValue("authorization").orElseThrow().substring(7));
                                return new Status(((Long) resource.remove()).intValue());
                            })
                            .statusCode());
                    assertEquals(List.of(step.get("gives"), step.get("sent")), List.of(gives, sent));
                } else {
                    int count = ((Long) step.get("at_once")).intValue();
                    for (Object given : Table.atOnce(count, step, holder::token)) {
                        assertEquals(step.getOrDefault("token", step.get("gives")), given);
                    }
                }
                assertEquals(0, server.size());
            }
        });
    }
}
