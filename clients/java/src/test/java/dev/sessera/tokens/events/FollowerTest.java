package dev.sessera.tokens.events;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;

import com.sun.net.httpserver.HttpServer;
import dev.sessera.tokens.Table;
import dev.sessera.tokens.UnavailableException;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.text.ParseException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.springframework.security.oauth2.jwt.BadJwtException;
import org.springframework.security.oauth2.jwt.Jwt;

/** The table that all libraries share, played with a server and a clock that do what it says. */
class FollowerTest {
    @TestFactory
    Stream<DynamicTest> following() {
        return Table.rows("follow", row -> {
            Table.Told clock = new Table.Told();
            Duration longest = Duration.ofSeconds((Long) row.get("longest"));
            Long after = (Long) row.get("begins_after");
            Follower follower =
                    new Follower("https://admin.example.org/", "token", longest, error -> {}, clock, after);
            for (Object each : Table.list(row.get("steps"))) {
                Map<String, Object> step = Table.object(each);
                clock.seconds = (Long) step.get("at");
                List<String> texts = Table.list(step.get("texts"));
                switch ((String) step.get("do")) {
                    case "connect" -> assertEquals(step.get("after"), follower.connected());
                    case "hear" -> {
                        if ((Boolean) step.get("is_good")) {
                            for (String text : texts) {
                                follower.hear(text);
                            }
                        } else {
                            assertThrows(ParseException.class, () -> follower.hear(texts.get(0)));
                        }
                    }
                    default -> {
                        Object verdict = Table.outcome(() -> {
                            follower.check(null, token(Table.object(step.get("claims"))));
                            return "good";
                        });
                        assertEquals(step.get("verdict"), verdict);
                    }
                }
            }
        });
    }

    @Test
    void howLongTokensLiveMustBeTold() {
        var missing = assertThrows(NullPointerException.class, () -> new Follower("https://a/", "token", null, error -> {}));
        assertEquals("longest", missing.getMessage());
    }

    @Test
    void aFollowerOfAnotherRecordBeginsAnew() throws Exception {
        List<String> asked = new ArrayList<>();
        HttpServer server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.createContext("/admin/events", exchange -> {
            asked.add(exchange.getRequestHeaders().getFirst("Last-Event-ID"));
            exchange.sendResponseHeaders(400, -1);
            exchange.close();
        });
        server.start();
        try {
            Table.Told clock = new Table.Told();
            clock.seconds = 1_000_000L;
            String admin = "http://127.0.0.1:" + server.getAddress().getPort();
            Follower follower = new Follower(admin, "token", Duration.ofMinutes(10), error -> {}, clock, 6L);
            Jwt token = token(Map.of("sub", "p", "sid", "s", "iat", 999_900L, "exp", 1_000_400L));
            String about = "\"about\":{\"session_id\":\"s\"}";
            follower.hear(": caught up\n\ndata: {\"number\":7,\"at\":\"1970-01-12T13:46:40Z\","
                    + "\"action\":\"session_ended\",\"outcome\":\"done\"," + about + "}\n\n");
            assertThrows(BadJwtException.class, () -> follower.check(null, token));
            assertThrows(IOException.class, follower::follow);
            assertEquals(List.of("7"), asked);
            assertThrows(UnavailableException.class, () -> follower.check(null, token));
            assertNull(follower.connected());
            follower.hear(": caught up\n\n");
            follower.check(null, token);
        } finally {
            server.stop(0);
        }
    }

    /** A token as the decoder gives it. */
    private static Jwt token(Map<String, Object> claims) {
        return Jwt.withTokenValue("x.x.x")
                .header("alg", "ES256")
                .claims(all -> {
                    all.putAll(claims);
                    // The decoder takes nothing but a number for a time.
                    all.replaceAll((name, value) -> value instanceof Long time ? Instant.ofEpochSecond(time) : value);
                    all.values().removeIf("now"::equals);
                })
                .build();
    }
}
