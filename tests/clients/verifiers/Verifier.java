// A verifier that keeps the published keys exactly as long as it may, made of Nimbus. See README.md.

import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jose.jwk.JWKSet;
import com.nimbusds.jose.jwk.source.ImmutableJWKSet;
import com.nimbusds.jose.proc.JWSVerificationKeySelector;
import com.nimbusds.jose.proc.SecurityContext;
import com.nimbusds.jose.util.JSONObjectUtils;
import com.nimbusds.jwt.JWTClaimsSet;
import com.nimbusds.jwt.proc.DefaultJWTClaimsVerifier;
import com.nimbusds.jwt.proc.DefaultJWTProcessor;
import com.nimbusds.jwt.proc.ExpiredJWTException;

public final class Verifier {
    private static final Pattern MAX_AGE = Pattern.compile("max-age=(\\d+)");

    private final String issuer;
    private final List<String> addresses;
    private final HttpClient http = HttpClient.newBuilder().connectTimeout(Duration.ofSeconds(60)).build();
    private JWKSet kept;
    private long keptUntil = System.nanoTime();

    private Verifier(String issuer, List<String> addresses) {
        this.issuer = issuer;
        this.addresses = addresses;
    }

    /** The published keys; fetched only when the copy at hand is older than its max-age. */
    private JWKSet published() throws Exception {
        if (System.nanoTime() - keptUntil < 0) {
            return kept;
        }
        JWKSet unsure = null;
        for (String address : addresses) {
            long asked = System.nanoTime();
            HttpRequest request = HttpRequest.newBuilder(URI.create(address)).timeout(Duration.ofSeconds(60)).build();
            HttpResponse<String> answer;
            try {
                answer = http.send(request, HttpResponse.BodyHandlers.ofString());
            } catch (java.io.IOException unreachable) {
                continue;
            }
            if (answer.statusCode() != 200) {
                continue;
            }
            JWKSet keys = JWKSet.parse(answer.body());
            Matcher age = MAX_AGE.matcher(answer.headers().firstValue("Cache-Control").orElse(""));
            long seconds = age.find() ? Long.parseLong(age.group(1)) : 0;
            if (seconds > 0) {
                kept = keys;
                keptUntil = asked + Duration.ofSeconds(seconds).toNanos();
                return kept;
            }
            unsure = unsure == null ? keys : unsure;
        }
        if (unsure == null) {
            throw new IllegalStateException("no node publishes its keys");
        }
        return unsure;
    }

    private Map<String, Object> verify(String token, String subject) {
        Map<String, Object> verdict = new HashMap<>();
        try {
            DefaultJWTProcessor<SecurityContext> processor = new DefaultJWTProcessor<>();
            processor.setJWSKeySelector(
                    new JWSVerificationKeySelector<>(JWSAlgorithm.ES256, new ImmutableJWKSet<>(published())));
            JWTClaimsSet exactly = new JWTClaimsSet.Builder().issuer(issuer).subject(subject).build();
            DefaultJWTClaimsVerifier<SecurityContext> claims =
                    new DefaultJWTClaimsVerifier<>(exactly, Set.of("exp"));
            claims.setMaxClockSkew(0);
            processor.setJWTClaimsSetVerifier(claims);
            processor.process(token, null);
            verdict.put("outcome", "good");
        } catch (ExpiredJWTException ended) {
            verdict.put("outcome", "ended");
            verdict.put("why", ended.toString());
        } catch (Exception refused) {
            verdict.put("outcome", "failed");
            verdict.put("why", refused.toString());
        }
        return verdict;
    }

    public static void main(String[] arguments) throws Exception {
        List<String> given = List.of(arguments);
        Verifier verifier = new Verifier(given.get(0), given.subList(1, given.size()));
        BufferedReader tasks = new BufferedReader(new InputStreamReader(System.in));
        for (String line = tasks.readLine(); line != null; line = tasks.readLine()) {
            Map<String, Object> task = JSONObjectUtils.parse(line);
            Map<String, Object> verdict = verifier.verify((String) task.get("token"), (String) task.get("sub"));
            verdict.put("id", task.get("id"));
            System.out.println(JSONObjectUtils.toJSONString(verdict));
        }
    }
}
