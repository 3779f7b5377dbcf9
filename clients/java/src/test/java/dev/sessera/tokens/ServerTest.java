package dev.sessera.tokens;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.sessera.tokens.events.Follower;
import dev.sessera.tokens.hold.SessionGoneException;
import dev.sessera.tokens.hold.TokenHolder;
import dev.sessera.tokens.status.StatusLists;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;
import java.time.Instant;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIfEnvironmentVariable;
import org.springframework.security.oauth2.jwt.BadJwtException;

/** The library beside a real server, whose address and people the chore "libraries" gives. */
@EnabledIfEnvironmentVariable(named = "SESSERA_ISSUER", matches = ".+")
class ServerTest {
    @Test
    void aTokenOfARealServer() throws Exception {
        String issuer = System.getenv("SESSERA_ISSUER");
        String token = new TokenHolder(issuer, "api", System.getenv("SESSERA_SESSION")).token();
        var settings = new SesseraJwtDecoder.Settings(issuer, "https://api.example.org", new StatusLists());
        assertEquals(System.getenv("SESSERA_SUBJECT"), new SesseraJwtDecoder(settings).decode(token).getSubject());
        var elsewhere = new SesseraJwtDecoder.Settings(issuer, "https://elsewhere.example.org");
        assertThrows(BadJwtException.class, () -> new SesseraJwtDecoder(elsewhere).decode(token));
        assertThrows(SessionGoneException.class, () -> new TokenHolder(issuer, "api", "x").token());
    }

    @Test
    void aSessionThatEndsAtARealServer() throws Exception {
        String issuer = System.getenv("SESSERA_ISSUER");
        String session = System.getenv("SESSERA_SESSION_TO_END");
        var follower = new Follower(
                System.getenv("SESSERA_ADMIN"),
                System.getenv("SESSERA_ADMIN_TOKEN"),
                Duration.ofMinutes(10),
                System.err::println);
        Thread thread = new Thread(follower);
        thread.start();
        var settings = new SesseraJwtDecoder.Settings(issuer, "https://api.example.org", follower);
        var decoder = new SesseraJwtDecoder(settings);
        String token = new TokenHolder(issuer, "api", session).token();
        until("good", decoder, token);
        HttpRequest signOut = HttpRequest.newBuilder(URI.create(issuer + "self-service/logout/api"))
                .header("Content-Type", "application/json")
                .method("DELETE", HttpRequest.BodyPublishers.ofString("{\"session_token\":\"" + session + "\"}"))
                .build();
        assertEquals(204, HttpClient.newHttpClient().send(signOut, BodyHandlers.discarding()).statusCode());
        until("refused", decoder, token);
        follower.close();
        thread.join();
    }

    private static void until(String verdict, SesseraJwtDecoder decoder, String token) throws Exception {
        Instant end = Instant.now().plusSeconds(60);
        Object found = null;
        while (!verdict.equals(found) && Instant.now().isBefore(end)) {
            found = Table.outcome(() -> decoder.decode(token) == null ? null : "good");
            Thread.onSpinWait();
        }
        assertEquals(verdict, found);
    }
}
