package dev.sessera.tokens.hold;

import com.nimbusds.jose.util.JSONObjectUtils;
import com.nimbusds.jwt.JWTParser;
import dev.sessera.tokens.Fetch;
import dev.sessera.tokens.UnavailableException;
import dev.sessera.tokens.shared.Shared;
import java.io.IOException;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.text.ParseException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.function.LongSupplier;

/** Holds a token of one session and template, and renews it in time. Threads may share it. */
public final class TokenHolder {
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
    private final Shared<Held> held;
    private volatile String gone;

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
        held = new Shared<>(() -> Duration.ofNanos(nanos.getAsLong()).toMillis());
    }

    private static LongSupplier since(long began) {
        return () -> System.nanoTime() - began;
    }

    /** A token that is good now. */
    public String token() throws SessionGoneException {
        Held known = held.known();
        if (known != null && gone == null && nanos.getAsLong() < known.renewAt) {
            return known.token;
        }
        try {
            return held.after(known, this::ask).token;
        } catch (UnavailableException error) {
            if (known != null && nanos.getAsLong() < known.endsAt) {
                return known.token;
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
        Held newer = held.known();
        try {
            newer = newer.token.equals(token) ? held.after(newer, this::ask) : newer;
        } catch (UnavailableException error) {
            return answer;
        }
        return sender.send(with(request, newer.token));
    }

    private static HttpRequest with(HttpRequest request, String token) {
        return HttpRequest.newBuilder(request, (name, value) -> !name.equalsIgnoreCase("authorization"))
                .header("Authorization", "Bearer " + token)
                .build();
    }

    private Held ask() throws SessionGoneException {
        long now = nanos.getAsLong();
        if (gone != null) {
            throw new SessionGoneException(gone);
        }
        try {
            Fetch.Answer answer = fetch.get(address, sessionToken);
            if (answer.status() == 401 || answer.status() == 403) {
                gone = "the session gives no token: the server answers " + answer.status();
                throw new SessionGoneException(gone);
            }
            if (answer.status() != 200) {
                throw new IOException("the server answers " + answer.status() + reason(answer.body()));
            }
            String token = JSONObjectUtils.getString(JSONObjectUtils.parse(answer.body()), "tokenized");
            var claims = JWTParser.parse(token).getJWTClaimsSet();
            long life = Duration.between(claims.getIssueTime().toInstant(), claims.getExpirationTime().toInstant())
                    .toNanos();
            return new Held(token, now + life / 4 * 3, now + life);
        } catch (IOException | ParseException | NullPointerException error) {
            throw new UnavailableException("no token can be had: " + error.getMessage());
        } catch (InterruptedException error) {
            Thread.currentThread().interrupt();
            throw new UnavailableException("no token can be had: the thread was interrupted");
        }
    }

    /** What a server says about an answer that is no token, behind a colon. */
    private static String reason(String body) {
        try {
            if (JSONObjectUtils.parse(body).get("error") instanceof Map<?, ?> error) {
                for (String name : List.of("reason", "message")) {
                    if (error.get(name) instanceof String why && !why.isEmpty()) {
                        return ": %.500s".formatted(why);
                    }
                }
            }
        } catch (ParseException page) {
            // Whatever stands between may answer with a page, which says nothing that fits here.
        }
        return "";
    }
}
