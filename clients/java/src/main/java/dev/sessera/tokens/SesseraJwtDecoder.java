package dev.sessera.tokens;

import com.nimbusds.jose.JOSEException;
import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jose.JWSHeader;
import com.nimbusds.jose.crypto.factories.DefaultJWSVerifierFactory;
import com.nimbusds.jose.jwk.AsymmetricJWK;
import com.nimbusds.jose.jwk.JWK;
import com.nimbusds.jose.jwk.KeyUse;
import com.nimbusds.jwt.JWTClaimsSet;
import com.nimbusds.jwt.SignedJWT;
import java.text.ParseException;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Date;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.springframework.security.oauth2.jwt.BadJwtException;
import org.springframework.security.oauth2.jwt.Jwt;
import org.springframework.security.oauth2.jwt.JwtDecoder;

/**
 * Verifies tokens of one issuer for one audience. Make one bean of it: it keeps the keys. A token that is not good is a
 * {@link BadJwtException}, which Spring Security answers with 401; an {@link UnavailableException} says that nobody can
 * tell now.
 */
public final class SesseraJwtDecoder implements JwtDecoder {
    private static final int MAX_TOKEN = 16_384;
    private static final Set<String> TYPES = Set.of("JWT", "at+jwt");

    /** Which tokens are good. */
    public record Settings(
            String issuer, String audience, Set<JWSAlgorithm> algorithms, Duration leeway, boolean statusList) {
        public Settings {
            Objects.requireNonNull(issuer, "issuer");
            Objects.requireNonNull(audience, "audience");
            if (!JWSAlgorithm.Family.SIGNATURE.containsAll(algorithms)) {
                throw new IllegalArgumentException("algorithms must be asymmetric ones, such as ES256");
            }
        }

        /** ES256, five seconds of leeway, and no status lists. */
        public Settings(String issuer, String audience) {
            this(issuer, audience, Set.of(JWSAlgorithm.ES256), Duration.ofSeconds(5), false);
        }
    }

    private final Settings settings;
    private final Clock clock;
    private final PublishedKeys keys;
    private final StatusLists lists;

    public SesseraJwtDecoder(Settings settings) {
        this(settings, Fetch.overHttp(), Clock.systemUTC());
    }

    public SesseraJwtDecoder(Settings settings, Fetch fetch, Clock clock) {
        this.settings = settings;
        this.clock = clock;
        keys = new PublishedKeys(settings.issuer, fetch, clock);
        lists = new StatusLists(this, keys, settings.issuer, clock);
    }

    @Override
    public Jwt decode(String token) {
        if (token.length() > MAX_TOKEN) {
            throw new BadJwtException("the token is too long");
        }
        Verified verified = verified(token, TYPES);
        JWTClaimsSet claims = verified.claims;
        if (!settings.issuer.equals(claims.getClaim("iss")) || !claims.getAudience().contains(settings.audience)) {
            throw new BadJwtException("the token is of another issuer, or for somebody else");
        }
        if (claims.getSubject().isEmpty()) {
            throw new BadJwtException("the token has no subject");
        }
        if (settings.statusList) {
            lists.check(claims.getClaim("status"));
        }
        Map<String, Object> members = new LinkedHashMap<>(claims.getClaims());
        // Spring's times are instants.
        members.replaceAll((name, value) -> value instanceof Date date ? date.toInstant() : value);
        return Jwt.withTokenValue(token)
                .headers(all -> all.putAll(verified.header.toJSONObject()))
                .claims(all -> all.putAll(members))
                .build();
    }

    /** A token whose form, type, key, signature and times are good. */
    record Verified(JWSHeader header, JWTClaimsSet claims) {}

    Verified verified(String token, Set<String> types) {
        try {
            SignedJWT parsed = SignedJWT.parse(token);
            JWSHeader header = parsed.getHeader();
            if (!settings.algorithms.contains(header.getAlgorithm())) {
                throw new BadJwtException("the algorithm is not allowed");
            }
            boolean isType = header.getType() == null ? types == TYPES : types.contains(header.getType().getType());
            if (header.getKeyID() == null || !isType || header.getCriticalParams() != null) {
                throw new BadJwtException("the token is of another type, or names no key");
            }
            JWK key = keys.find(header.getKeyID()).orElseThrow(() -> new BadJwtException("the key is not known"));
            boolean isForThis = (key.getKeyUse() == null || key.getKeyUse().equals(KeyUse.SIGNATURE))
                    && (key.getAlgorithm() == null || key.getAlgorithm().equals(header.getAlgorithm()));
            if (!isForThis || !(key instanceof AsymmetricJWK pair)) {
                throw new BadJwtException("the key is for something else");
            }
            var verifier = new DefaultJWSVerifierFactory().createJWSVerifier(header, pair.toPublicKey());
            if (!parsed.verify(verifier)) {
                throw new BadJwtException("the signature is not good");
            }
            JWTClaimsSet claims = parsed.getJWTClaimsSet();
            // The library makes a text of a number.
            if (!(parsed.getPayload().toJSONObject().get("sub") instanceof String)) {
                throw new BadJwtException("the token has no subject");
            }
            checkTimes(claims);
            return new Verified(header, claims);
        } catch (ParseException | JOSEException | IllegalArgumentException | IllegalStateException error) {
            throw new BadJwtException("the token cannot be read: " + error.getMessage(), error);
        }
    }

    private void checkTimes(JWTClaimsSet claims) {
        Instant now = clock.instant();
        Date end = claims.getExpirationTime();
        if (end == null || !now.isBefore(end.toInstant().plus(settings.leeway))) {
            throw new BadJwtException("the token has ended, or has no end");
        }
        Date begin = claims.getNotBeforeTime();
        if (begin != null && now.isBefore(begin.toInstant().minus(settings.leeway))) {
            throw new BadJwtException("the token is not good yet");
        }
    }
}
