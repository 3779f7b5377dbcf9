package dev.sessera.tokens.status;

import com.nimbusds.jose.util.Base64URL;
import com.nimbusds.jwt.JWTClaimsSet;
import dev.sessera.tokens.SesseraJwtDecoder;
import dev.sessera.tokens.UnavailableException;
import dev.sessera.tokens.shared.Shared;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.text.ParseException;
import java.time.Instant;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.zip.InflaterInputStream;
import org.springframework.security.oauth2.jwt.BadJwtException;
import org.springframework.security.oauth2.jwt.Jwt;

/**
 * The lists of sessions that are over (Token Status List of the IETF). With this check every token must have a status, and its
 * list is read.
 */
public final class StatusLists implements SesseraJwtDecoder.Check {
    private static final int MAX_LIST = 131_072;

    private record Known(byte[] bits, Instant until) {}

    private final Map<String, Shared<Known>> lists = new ConcurrentHashMap<>();

    @Override
    public void check(SesseraJwtDecoder decoder, Jwt token) {
        Object list = token.getClaim("status") instanceof Map<?, ?> members ? members.get("status_list") : null;
        Map<?, ?> place = list instanceof Map<?, ?> members ? members : Map.of();
        if (!(place.get("idx") instanceof Long index) || index < 0 || !(place.get("uri") instanceof String uri)) {
            throw new BadJwtException("the token has no status");
        }
        byte[] bits = bits(decoder, uri);
        if (index / 8 >= bits.length || (bits[(int) (index / 8)] >> index % 8 & 1) == 1) {
            throw new BadJwtException("the session is over");
        }
    }

    private byte[] bits(SesseraJwtDecoder decoder, String uri) {
        Shared<Known> shared = lists.computeIfAbsent(uri, any -> new Shared<>(() -> decoder.now().toEpochMilli()));
        Known known = shared.known();
        boolean serves = known != null && decoder.now().isBefore(known.until);
        return (serves ? known : shared.after(known, () -> read(decoder, uri))).bits;
    }

    private static Known read(SesseraJwtDecoder decoder, String uri) {
        Instant now = decoder.now();
        try {
            JWTClaimsSet claims = decoder.read(uri, "statuslist+jwt").claims();
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
            return new Known(bits, end.isBefore(until) ? end : until);
        } catch (BadJwtException | ParseException | IOException | ClassCastException error) {
            throw new UnavailableException("the list at " + uri + " is not good: " + error.getMessage());
        }
    }
}
