package dev.sessera.tokens;

import static org.junit.jupiter.api.Assertions.assertTrue;

import com.nimbusds.jose.util.JSONObjectUtils;
import dev.sessera.tokens.hold.SessionGoneException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.springframework.security.oauth2.jwt.BadJwtException;

/** The table that all libraries share. */
public final class Table {
    private Table() {}

    public static final Map<String, Object> TABLE = table();

    private static Map<String, Object> table() {
        try {
            return JSONObjectUtils.parse(Files.readString(Path.of("../conformance/conformance.json")));
        } catch (Exception error) {
            throw new IllegalStateException(error);
        }
    }

    @SuppressWarnings("unchecked")
    public static Map<String, Object> object(Object value) {
        return value == null ? Map.of() : (Map<String, Object>) value;
    }

    @SuppressWarnings("unchecked")
    public static <T> List<T> list(Object value) {
        return value == null ? List.of() : (List<T>) value;
    }

    public static Stream<DynamicTest> rows(String name, Play play) {
        return Table.<Object>list(TABLE.get(name)).stream()
                .map(Table::object)
                .map(row -> DynamicTest.dynamicTest((String) row.get("name"), () -> play.play(row)));
    }

    /** Plays a row. */
    public interface Play {
        void play(Map<String, Object> row) throws Exception;
    }

    public static Object outcome(Callable<Object> work) throws Exception {
        return outcome(Map.of(), work);
    }

    /** What came of something. A reason has what the step says in it, and not the token. */
    public static Object outcome(Map<String, Object> step, Callable<Object> work) throws Exception {
        try {
            return work.call();
        } catch (BadJwtException | UnavailableException | SessionGoneException error) {
            String token = (String) step.getOrDefault("token", "");
            String told = error.getMessage();
            assertTrue(told.contains((String) step.getOrDefault("says", "")), told);
            assertTrue(token.length() < 20 || !told.contains(token), told);
            return error instanceof BadJwtException ? "refused" : error instanceof SessionGoneException ? "gone" : "unavailable";
        }
    }

    /** What came of something that so many do at the same time. */
    public static List<Object> atOnce(int count, Map<String, Object> step, Callable<Object> work) throws Exception {
        ExecutorService pool = Executors.newFixedThreadPool(count);
        try {
            List<Object> outcomes = new ArrayList<>();
            for (Future<Object> given : pool.invokeAll(Collections.nCopies(count, () -> outcome(step, work)))) {
                outcomes.add(given.get());
            }
            return outcomes;
        } finally {
            pool.shutdown();
        }
    }

    public static Map<String, Object> layers(String member, Object... owners) {
        Map<String, Object> all = new HashMap<>();
        for (Object owner : owners) {
            all.putAll(object(object(owner).get(member)));
        }
        return all;
    }

    /** A clock that stands where the table says. */
    public static final class Told extends Clock {
        public volatile long seconds;

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
}
