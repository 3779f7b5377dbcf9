package dev.sessera.tokens.hold;

import com.nimbusds.jose.util.JSONObjectUtils;
import com.nimbusds.jwt.JWTParser;
import dev.sessera.tokens.Fetch;
import dev.sessera.tokens.UnavailableException;
import java.io.IOException;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.text.ParseException;
import java.time.Duration;
import java.util.function.LongSupplier;

/** Holds a token of one session and template, and renews it in time. Threads may share it. */
public final class TokenHolder {
    /** How long after a renewal that failed the next one is tried while the token is good. */
    private static final long PAUSE = Duration.ofSeconds(5).toNanos();

    /** Sends a request, as {@code request -> client.send(request, handler)} does. */
    @FunctionalInterface
    public interface Sender<T> {
        HttpResponse<T> send(HttpRequest request) throws IOException, InterruptedException;
    }

    private record Held(String token, long renewAt, long endsAt) {}

    private final URI address;
    private final String sessionToken;
    private final Fetch fetch;
    private final LongSupplier nanos;
    private Held held;
    private long pausedUntil = Long.MIN_VALUE;
    private String gone;

    /** {@code server} is the public address of Sessera, {@code sessionToken} what a native sign-in gave. */
    public TokenHolder(String server, String template, String sessionToken) {
        // The clock on the wall may be wrong, and is set now and then. This one only goes on.
        this(server, template, sessionToken, Fetch.overHttp(), since(System.nanoTime()));
    }

    TokenHolder(String server, String template, String sessionToken, Fetch fetch, LongSupplier nanos) {
        String name = URLEncoder.encode(template, StandardCharsets.UTF_8);
        address = URI.create(server.replaceFirst("/$", "") + "/sessions/whoami?tokenize_as=" + name);
        this.sessionToken = sessionToken;
        this.fetch = fetch;
        this.nanos = nanos;
    }

    private static LongSupplier since(long began) {
        return () -> System.nanoTime() - began;
    }

    /** A token that is good now. */
    public synchronized String token() throws SessionGoneException {
        long now = nanos.getAsLong();
        boolean isGood = held != null && now < held.endsAt;
        if (isGood && (now < held.renewAt || now < pausedUntil)) {
            return held.token;
        }
        try {
            return renew(now);
        } catch (UnavailableException error) {
            if (isGood) {
                return held.token;
            }
            throw error;
        }
    }

    /** Sends a request with the token. An answer 401 makes a new token be fetched and the request be sent once more. */
    public <T> HttpResponse<T> send(HttpRequest request, Sender<T> sender)
            throws SessionGoneException, IOException, InterruptedException {
        String token = token();
        HttpResponse<T> answer = sender.send(with(request, token));
        if (answer.statusCode() != 401) {
            return answer;
        }
        String newer;
        try {
            newer = after(token);
        } catch (UnavailableException error) {
            return answer;
        }
        return sender.send(with(request, newer));
    }

    private static HttpRequest with(HttpRequest request, String token) {
        return HttpRequest.newBuilder(request, (name, value) -> !name.equalsIgnoreCase("authorization"))
                .header("Authorization", "Bearer " + token)
                .build();
    }

    /** The token that follows one that was refused. */
    private synchronized String after(String token) throws SessionGoneException {
        return held != null && !held.token.equals(token) ? held.token : renew(nanos.getAsLong());
    }

    private String renew(long now) throws SessionGoneException {
        if (gone != null) {
            throw new SessionGoneException(gone);
        }
        try {
            Fetch.Answer answer = fetch.get(address, sessionToken);
            if (answer.status() == 401 || answer.status() == 403) {
                held = null;
                gone = "the session gives no token: the server answers " + answer.status();
                throw new SessionGoneException(gone);
            }
            if (answer.status() != 200) {
                throw new IOException("the server answers " + answer.status());
            }
            String token = JSONObjectUtils.getString(JSONObjectUtils.parse(answer.body()), "tokenized");
            var claims = JWTParser.parse(token).getJWTClaimsSet();
            long life = Duration.between(claims.getIssueTime().toInstant(), claims.getExpirationTime().toInstant())
                    .toNanos();
            held = new Held(token, now + life / 4 * 3, now + life);
            return token;
        } catch (IOException | ParseException | NullPointerException error) {
            pausedUntil = now + PAUSE;
            throw new UnavailableException("no token can be had: " + error.getMessage());
        } catch (InterruptedException error) {
            Thread.currentThread().interrupt();
            throw new UnavailableException("no token can be had: the thread was interrupted");
        }
    }
}
