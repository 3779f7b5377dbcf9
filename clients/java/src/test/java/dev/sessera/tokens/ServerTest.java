package dev.sessera.tokens;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import com.nimbusds.jose.JWSAlgorithm;
import java.time.Duration;
import java.util.Set;
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
        var settings = new SesseraJwtDecoder.Settings(
                issuer, "https://api.example.org", Set.of(JWSAlgorithm.ES256), Duration.ofSeconds(5), true);
        assertEquals(System.getenv("SESSERA_SUBJECT"), new SesseraJwtDecoder(settings).decode(token).getSubject());
        var elsewhere = new SesseraJwtDecoder.Settings(issuer, "https://elsewhere.example.org");
        assertThrows(BadJwtException.class, () -> new SesseraJwtDecoder(elsewhere).decode(token));
        assertThrows(SessionGoneException.class, () -> new TokenHolder(issuer, "api", "x").token());
    }
}
