package dev.sessera.tokens;

import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;

/** Asks over HTTP. */
@FunctionalInterface
public interface Fetch {
    /** What a server answered; {@code cacheControl} is empty when it says nothing. */
    record Answer(int status, String cacheControl, String body) {}

    int MAX_ANSWER = 1 << 20;

    /** Asks for an address; a {@code sessionToken} that is not null goes along. */
    Answer get(URI address, String sessionToken) throws IOException, InterruptedException;

    /** Asks within limits, and follows no redirection. */
    static Fetch overHttp() {
        HttpClient client = HttpClient.newBuilder().connectTimeout(Duration.ofSeconds(10)).build();
        return (address, sessionToken) -> {
            HttpRequest.Builder request = HttpRequest.newBuilder(address).timeout(Duration.ofSeconds(10));
            if (sessionToken != null) {
                request.header("X-Session-Token", sessionToken);
            }
            HttpResponse<InputStream> answer =
                    client.send(request.build(), HttpResponse.BodyHandlers.ofInputStream());
            try (InputStream body = answer.body()) {
                byte[] bytes = body.readNBytes(MAX_ANSWER + 1);
                if (bytes.length > MAX_ANSWER) {
                    throw new IOException("the answer of " + address + " is too long");
                }
                String control = answer.headers().firstValue("cache-control").orElse("");
                return new Answer(answer.statusCode(), control, new String(bytes, StandardCharsets.UTF_8));
            }
        };
    }
}
