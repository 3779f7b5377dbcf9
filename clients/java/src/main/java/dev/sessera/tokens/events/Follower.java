package dev.sessera.tokens.events;

import com.nimbusds.jose.util.JSONArrayUtils;
import com.nimbusds.jose.util.JSONObjectUtils;
import dev.sessera.tokens.SesseraJwtDecoder;
import dev.sessera.tokens.UnavailableException;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.text.ParseException;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Timer;
import java.util.TimerTask;
import java.util.function.Consumer;
import org.springframework.security.oauth2.jwt.BadJwtException;
import org.springframework.security.oauth2.jwt.Jwt;

/**
 * Knows which sessions have ended, within a second of their end, for back ends that may follow the events of the admin API. Make
 * one, run it in a thread of its own, give it to a decoder, and close it at the end. Threads may share it.
 */
public final class Follower implements SesseraJwtDecoder.Check, Runnable, AutoCloseable {
    private static final int MAX_EVENT = 1 << 20;
    /** A connection that is quiet gets a comment every 15 seconds. */
    private static final Duration MAX_SILENCE = Duration.ofSeconds(30);
    /** How long after a connection that ended the next one is made. */
    private static final Duration PAUSE = Duration.ofSeconds(1);
    /** How far the clock of the server may differ, and how much longer than a token lives is remembered that it is over. */
    private static final Duration SLACK = Duration.ofMinutes(1);

    private final String admin;
    private final String token;
    private final Duration longest;
    private final Consumer<Exception> lost;
    private final Clock clock;
    private final HttpClient client = HttpClient.newBuilder().connectTimeout(Duration.ofSeconds(10)).build();
    private Long last;
    private String text = "";
    private boolean isCaughtUp;
    private Instant heard = Instant.MIN;
    private Ended ended = new Ended();
    private Ended older = new Ended();
    private Instant turned = Instant.MIN;
    private volatile boolean isClosed;
    private volatile InputStream heardFrom = InputStream.nullInputStream();

    /**
     * {@code admin} is the address of the admin API, {@code token} an admin token of the role viewer, {@code longest} how long a
     * token lives at the most. {@code lost} is told why a connection failed.
     */
    public Follower(String admin, String token, Duration longest, Consumer<Exception> lost) {
        this(admin, token, longest, lost, Clock.systemUTC(), null);
    }

    Follower(String admin, String token, Duration longest, Consumer<Exception> lost, Clock clock, Long last) {
        this.admin = admin.replaceFirst("/$", "");
        this.token = token;
        this.longest = Objects.requireNonNull(longest, "longest");
        this.lost = lost;
        this.clock = clock;
        this.last = last;
    }

    /** Refuses a token whose session has ended. Nobody can say so while the events cannot be had. */
    @Override
    public synchronized void check(SesseraJwtDecoder decoder, Jwt token) {
        Instant begin = token.getIssuedAt();
        if (!(token.getClaim("sid") instanceof String)
                || begin == null
                || token.getExpiresAt().isAfter(begin.plus(longest))) {
            throw new BadJwtException("the token names no session, or it lives longer than what has ended is remembered");
        }
        if (heard.isBefore(clock.instant().minus(MAX_SILENCE))) {
            throw new UnavailableException("nobody knows which sessions have ended");
        }
        if (ended.has(token) || older.has(token)) {
            throw new BadJwtException("the session has ended");
        }
    }

    /** Follows until it is closed, or the thread is interrupted where that can be noticed. */
    @Override
    public void run() {
        try {
            while (!isClosed) {
                try {
                    follow();
                } catch (IOException | ParseException | RuntimeException error) {
                    if (isClosed || error.getCause() instanceof InterruptedException) {
                        return;
                    }
                    lost.accept(error);
                }
                Thread.sleep(PAUSE.toMillis());
            }
        } catch (InterruptedException error) {
            Thread.currentThread().interrupt();
        }
    }

    /** Ends following. An interruption alone does not always: a read of what is yet to come may swallow it. */
    @Override
    public void close() throws IOException {
        isClosed = true;
        heardFrom.close();
    }

    /** Makes a connection and hears all of it. One that is lost without a word is given up. */
    void follow() throws IOException, InterruptedException, ParseException {
        if (last == null) {
            last = findBeginning();
        }
        HttpRequest.Builder request = request("/admin/events?outcome=done").header("Last-Event-ID", connected().toString());
        Timer watch = new Timer("sessera-events", true);
        try (InputStream body = open(request)) {
            heardFrom = body;
            byte[] part = new byte[16 << 10];
            for (int length = 0; length >= 0 && !isClosed; ) {
                TimerTask giveUp = closing(body);
                watch.schedule(giveUp, MAX_SILENCE.toMillis());
                length = body.read(part);
                giveUp.cancel();
                // What is cut within a letter is within a text of JSON, which nobody reads here.
                hear(new String(part, 0, Math.max(length, 0), StandardCharsets.ISO_8859_1));
            }
        } finally {
            watch.cancel();
        }
    }

    private static TimerTask closing(InputStream body) {
        return new TimerTask() {
            @Override
            public void run() {
                try {
                    body.close();
                } catch (IOException error) {
                    // It is closed already.
                    return;
                }
            }
        };
    }

    /** Behind which event to begin: what has to be known is what happened while a token was good that still is. */
    private long findBeginning() throws IOException, InterruptedException, ParseException {
        Instant until = clock.instant().minus(longest).minus(SLACK).truncatedTo(ChronoUnit.SECONDS);
        try (InputStream body = open(request("/admin/audit?page_size=1&until=" + until))) {
            List<Object> entries =
                    JSONArrayUtils.parse(new String(body.readNBytes(MAX_EVENT), StandardCharsets.UTF_8));
            return entries.isEmpty() ? 0 : ((Number) ((Map<?, ?>) entries.get(0)).get("number")).longValue();
        }
    }

    private HttpRequest.Builder request(String path) {
        return HttpRequest.newBuilder(URI.create(admin + path))
                .timeout(MAX_SILENCE)
                .header("Authorization", "Bearer " + token);
    }

    private InputStream open(HttpRequest.Builder request) throws IOException, InterruptedException {
        HttpResponse<InputStream> answer = client.send(request.build(), HttpResponse.BodyHandlers.ofInputStream());
        if (answer.statusCode() != 200) {
            answer.body().close();
            if (answer.statusCode() == 400) {
                forget();
            }
            throw new IOException("the events cannot be followed: the server answers " + answer.statusCode());
        }
        return answer.body();
    }

    /**
     * Knows nothing, and begins as a new one does. The record has not reached what was heard: it is another one, as after a backup
     * was brought back.
     */
    private synchronized void forget() {
        last = null;
        heard = Instant.MIN;
        ended = new Ended();
        older = new Ended();
        turned = Instant.MIN;
    }

    /** Begins anew, and gives the number behind which to go on. */
    Long connected() {
        text = "";
        isCaughtUp = false;
        return last;
    }

    /** Takes in a part of the events. */
    synchronized void hear(String part) throws ParseException {
        text += part;
        for (int end = text.indexOf("\n\n"); end >= 0; end = text.indexOf("\n\n")) {
            String event = text.substring(0, end);
            text = text.substring(end + 2);
            note(event);
        }
        if (text.length() > MAX_EVENT) {
            throw new ParseException("an event is too long", MAX_EVENT);
        }
    }

    private void note(String event) throws ParseException {
        isCaughtUp |= event.equals(": caught up");
        for (String line : event.split("\n")) {
            if (line.startsWith("data: ")) {
                remember(JSONObjectUtils.parse(line.substring("data: ".length())));
            }
        }
        // What happened before is not known until all of it is read.
        if (isCaughtUp) {
            heard = clock.instant();
        }
    }

    private void remember(Map<String, Object> entry) throws ParseException {
        last = JSONObjectUtils.getLong(entry, "number");
        Instant now = clock.instant();
        // Twice at the most: what has ended stays in memory for as long as its tokens may live.
        if (turned.isBefore(now.minus(longest).minus(SLACK))) {
            older = ended;
            ended = new Ended();
            turned = now;
        }
        String action = JSONObjectUtils.getString(entry, "action");
        Map<String, Object> about = JSONObjectUtils.getJSONObject(entry, "about");
        boolean isOff = action.equals("identity_changed") && "inactive".equals(about.get("state"));
        if (!"done".equals(entry.get("outcome"))) {
            return;
        }
        if (action.equals("session_ended")) {
            ended.add((String) about.get("session_id"));
        } else if (action.equals("sessions_ended") || action.equals("identity_deleted") || isOff) {
            Instant at = Instant.parse(JSONObjectUtils.getString(entry, "at"));
            ended.add(about.get("identity_id"), about.get("except"), at);
        }
    }
}
