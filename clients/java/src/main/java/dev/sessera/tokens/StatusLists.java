package dev.sessera.tokens;

import com.nimbusds.jose.util.Base64URL;
import com.nimbusds.jwt.JWTClaimsSet;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.time.Clock;
import java.time.Instant;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import java.util.zip.InflaterInputStream;
import org.springframework.security.oauth2.jwt.BadJwtException;

/** The lists of sessions that are over (Token Status List of the IETF). */
final class StatusLists {
    private static final int MAX_LIST = 131_072;
    private static final Set<String> TYPES = Set.of("statuslist+jwt");

    private record Known(byte[] bits, Instant until) {}

    private final SesseraJwtDecoder decoder;
    private final PublishedKeys published;
    private final String issuer;
    private final Clock clock;
    private final Map<String, Known> lists = new HashMap<>();

    StatusLists(SesseraJwtDecoder decoder, PublishedKeys published, String issuer, Clock clock) {
        this.decoder = decoder;
        this.published = published;
        this.issuer = issuer;
        this.clock = clock;
    }

    /** Refuses a token whose session is over, as the list says that the token names. */
    void check(Object status) {
        Object list = status instanceof Map<?, ?> members ? members.get("status_list") : null;
        Map<?, ?> place = list instanceof Map<?, ?> members ? members : Map.of();
        if (!(place.get("idx") instanceof Long index) || index < 0 || !(place.get("uri") instanceof String uri)) {
            throw new BadJwtException("the token has no status");
        }
        byte[] bits = bits(uri);
        if (index / 8 >= bits.length || (bits[(int) (index / 8)] >> index % 8 & 1) == 1) {
            throw new BadJwtException("the session is over");
        }
    }

    private synchronized byte[] bits(String uri) {
        Instant now = clock.instant();
        Known known = lists.get(uri);
        if (known != null && now.isBefore(known.until)) {
            return known.bits;
        }
        if (!PublishedKeys.isAsSafe(uri, issuer)) {
            throw new UnavailableException(uri + " is less safe than the issuer");
        }
        String token = published.get(uri).body().strip();
        try {
            JWTClaimsSet claims = decoder.verified(token, TYPES).claims();
            Map<String, Object> list = claims.getJSONObjectClaim("status_list");
            if (!uri.equals(claims.getSubject()) || !Long.valueOf(1).equals(list.get("bits"))) {
                throw new UnavailableException("the list at " + uri + " is of another address, or not of bits");
            }
            byte[] packed = new Base64URL((String) list.get("lst")).decode();
            byte[] bits = new InflaterInputStream(new ByteArrayInputStream(packed)).readNBytes(MAX_LIST + 1);
            if (bits.length > MAX_LIST) {
                throw new UnavailableException("the list at " + uri + " is longer than a list can be");
            }
            long ttl = claims.getClaim("ttl") instanceof Long seconds ? seconds : 0;
            Instant end = claims.getExpirationTime().toInstant();
            Instant until = now.plusSeconds(ttl);
            lists.put(uri, new Known(bits, end.isBefore(until) ? end : until));
            return bits;
        } catch (BadJwtException | java.text.ParseException | IOException | ClassCastException error) {
            throw new UnavailableException("the list at " + uri + " is not good: " + error.getMessage());
        }
    }
}
