package dev.sessera.tokens;

import com.nimbusds.jose.jwk.JWK;
import com.nimbusds.jose.util.JSONObjectUtils;
import dev.sessera.tokens.shared.Shared;
import java.io.IOException;
import java.net.URI;
import java.text.ParseException;
import java.time.Clock;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;

/** The keys of an issuer, found by discovery and kept for as long as they may be. */
final class PublishedKeys {
    /** How long an answer is kept that does not say it, in seconds. */
    private static final long USUAL_AGE = 300;
    /** How long after the keys were asked for an unknown one makes them be asked for again, in seconds. */
    private static final long PAUSE = 10;

    private static final Pattern MAX_AGE = Pattern.compile("\\bmax-age=(\\d{1,9})", Pattern.CASE_INSENSITIVE);
    private static final Pattern NOT_KEPT = Pattern.compile("\\bno-(store|cache)\\b", Pattern.CASE_INSENSITIVE);

    private final String issuer;
    private final Fetch fetch;
    private final Clock clock;
    private String jwksUri;
    private Instant describedUntil = Instant.MIN;
    private final Shared<Published> published;

    private record Published(List<JWK> keys, Instant until, Instant asked) {
        Optional<JWK> find(String kid) {
            return keys.stream().filter(key -> kid.equals(key.getKeyID())).findFirst();
        }
    }

    PublishedKeys(String issuer, Fetch fetch, Clock clock) {
        this.issuer = issuer;
        this.fetch = fetch;
        this.clock = clock;
        published = new Shared<>(clock::millis);
    }

    /** The key with an id. One that is unknown makes the keys be asked for once more. */
    Optional<JWK> find(String kid) {
        Published known = published.known();
        Instant now = clock.instant();
        boolean serves = known != null && now.isBefore(known.until)
                && (known.find(kid).isPresent() || now.isBefore(known.asked.plusSeconds(PAUSE)));
        return (serves ? known : published.after(known, this::ask)).find(kid);
    }

    private Published ask() {
        Instant now = clock.instant();
        if (!now.isBefore(describedUntil)) {
            String address = issuer.replaceFirst("/$", "") + "/.well-known/openid-configuration";
            Kept description = get(address);
            Map<String, Object> members = description.json();
            String uri = String.valueOf(members.get("jwks_uri"));
            if (!issuer.equals(members.get("issuer"))) {
                // Mostly a slash at the end is too much or missing.
                String why = "%s describes \"%.200s\" and not \"%s\"; both must be the same to the letter";
                throw new UnavailableException(why.formatted(address, members.get("issuer"), issuer));
            }
            if (!isAsSafe(uri, address)) {
                throw new UnavailableException(address + " names no safe address of keys");
            }
            jwksUri = uri;
            describedUntil = description.until;
        }
        Kept set = get(jwksUri);
        if (!(set.json().get("keys") instanceof List<?> found)) {
            throw new UnavailableException(jwksUri + " is no key set");
        }
        List<JWK> read = new ArrayList<>();
        for (Object key : found) {
            try {
                @SuppressWarnings("unchecked")
                Map<String, Object> members = (Map<String, Object>) key;
                read.add(JWK.parse(members));
            } catch (ParseException | ClassCastException unknown) {
                // Keys of kinds that are not known here are for others.
            }
        }
        return new Published(read, set.until, now);
    }

    /** An answer, and until when it may be kept. */
    record Kept(String address, String body, Instant until) {
        Map<String, Object> json() {
            try {
                return JSONObjectUtils.parse(body);
            } catch (ParseException error) {
                throw new UnavailableException(address + " answers something else than JSON");
            }
        }
    }

    Kept get(String address) {
        Instant now = clock.instant();
        Fetch.Answer answer;
        try {
            answer = fetch.get(URI.create(address), null);
        } catch (IOException | IllegalArgumentException error) {
            throw new UnavailableException(address + " cannot be had: " + error.getMessage());
        } catch (InterruptedException error) {
            Thread.currentThread().interrupt();
            throw new UnavailableException(address + " cannot be had: the thread was interrupted");
        }
        if (answer.status() != 200) {
            throw new UnavailableException(address + " answers " + answer.status());
        }
        var age = MAX_AGE.matcher(answer.cacheControl());
        long seconds = age.find() ? Long.parseLong(age.group(1)) : USUAL_AGE;
        boolean isKept = !NOT_KEPT.matcher(answer.cacheControl()).find();
        return new Kept(address, answer.body(), isKept ? now.plusSeconds(seconds) : now);
    }

    /** Whether an address is encrypted, unless the one that names it is not either. */
    static boolean isAsSafe(String address, String namedBy) {
        return address.startsWith("https://") || (address.startsWith("http://") && namedBy.startsWith("http://"));
    }
}
