package dev.sessera.tokens.events;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.sessera.tokens.Table;
import java.text.ParseException;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
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
