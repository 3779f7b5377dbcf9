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
import java.util.List;
import java.util.Objects;
import java.util.Set;
import org.springframework.security.oauth2.jwt.BadJwtException;
import org.springframework.security.oauth2.jwt.Jwt;
import org.springframework.security.oauth2.jwt.JwtDecoder;

/**
 * Verifies tokens of one issuer for one audience. Make one bean of it: it keeps the keys. A token that is not good is a {@link
 * BadJwtException}, which Spring Security answers with 401; an {@link UnavailableException} says that nobody can tell now.
 */
public final class SesseraJwtDecoder implements JwtDecoder {
    private static final int MAX_TOKEN = 16_384;
    private static final Set<String> TYPES = Set.of("JWT", "at+jwt");

    /** A further look at a token that is good otherwise. What it throws is as that of the decoder. */
    @FunctionalInterface
    public interface Check {
        void check(SesseraJwtDecoder decoder, Jwt token);
    }

    /** Which tokens are good. */
    public record Settings(String issuer, String audience, Set<JWSAlgorithm> algorithms, Duration leeway, List<Check> checks) {
        public Settings {
            Objects.requireNonNull(issuer, "issuer");
            Objects.requireNonNull(audience, "audience");
            if (!JWSAlgorithm.Family.SIGNATURE.containsAll(algorithms)) {
                throw new IllegalArgumentException("algorithms must be asymmetric ones, such as ES256");
            }
        }

        /** ES256, and five seconds of leeway. */
        public Settings(String issuer, String audience, Check... checks) {
            this(issuer, audience, Set.of(JWSAlgorithm.ES256), Duration.ofSeconds(5), List.of(checks));
        }
    }

    private final Settings settings;
    private final Clock clock;
    private final PublishedKeys keys;

    public SesseraJwtDecoder(Settings settings) {
        this(settings, Fetch.overHttp(), Clock.systemUTC());
    }

    public SesseraJwtDecoder(Settings settings, Fetch fetch, Clock clock) {
        this.settings = settings;
        this.clock = clock;
        keys = new PublishedKeys(settings.issuer, fetch, clock);
    }

    @Override
    public Jwt decode(String token) {
        if (token.length() > MAX_TOKEN) {
            throw new BadJwtException("the token is too long");
        }
        if (token.regionMatches(true, 0, "Bearer ", 0, 7)) {
            throw new BadJwtException("a token without \"Bearer \" in front is expected");
        }
        Verified verified = verified(token, TYPES);
        JWTClaimsSet claims = verified.claims;
        if (!settings.issuer.equals(claims.getClaim("iss")) || !claims.getAudience().contains(settings.audience)) {
            throw new BadJwtException("the token is of another issuer, or for somebody else");
        }
        Jwt good = Jwt.withTokenValue(token)
                .headers(all -> all.putAll(verified.header.toJSONObject()))
                .claims(all -> {
                    all.putAll(claims.getClaims());
                    // Spring's times are instants.
                    all.replaceAll((name, value) -> value instanceof Date date ? date.toInstant() : value);
                })
                .build();
        settings.checks.forEach(check -> check.check(this, good));
        return good;
    }

    /** Something that the issuer signed, whose form, type, key, signature and times are good. */
    public record Verified(JWSHeader header, JWTClaimsSet claims) {}

    /** Asks for a signed list, which is as safe as the issuer. */
    public Verified read(String address, String type) {
        if (!PublishedKeys.isAsSafe(address, settings.issuer)) {
            throw new UnavailableException(address + " is less safe than the issuer");
        }
        return verified(keys.get(address).body().strip(), Set.of(type));
    }

    public Instant now() {
        return clock.instant();
    }

    private Verified verified(String token, Set<String> types) {
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
            if (!(parsed.getPayload().toJSONObject().get("sub") instanceof String sub) || sub.isEmpty()) {
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
