package dev.sessera.tokens.events;

import java.time.Instant;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import org.springframework.security.oauth2.jwt.Jwt;

/** What has ended: sessions, and whatever people have had before a moment. */
final class Ended {
    /** Stands for everybody, or for no session. */
    private static final String NONE = "";

    private final Set<String> sessions = new HashSet<>();
    /** For people, the last moment before which a token is refused, for each session that was left out. */
    private final Map<String, Map<String, Instant>> people = new HashMap<>();

    void add(String session) {
        sessions.add(session);
    }

    void add(Object person, Object leftOut, Instant at) {
        people.computeIfAbsent(text(person), one -> new HashMap<>()).put(text(leftOut), at);
    }

    private static String text(Object member) {
        return member instanceof String text ? text : NONE;
    }

    boolean has(Jwt token) {
        String session = token.getClaimAsString("sid");
        return sessions.contains(session) || has(token.getSubject(), session, token) || has(NONE, session, token);
    }

    private boolean has(String person, String session, Jwt token) {
        return people.getOrDefault(person, Map.of()).entrySet().stream()
                .anyMatch(end -> !end.getKey().equals(session) && !token.getIssuedAt().isAfter(end.getValue()));
    }
}
