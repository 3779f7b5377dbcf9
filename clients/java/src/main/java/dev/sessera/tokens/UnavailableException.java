package dev.sessera.tokens;

import org.springframework.security.oauth2.jwt.JwtException;

/** Nobody can say now whether the token is good, or no new one can be had. Later it may work. */
public class UnavailableException extends JwtException {
    public UnavailableException(String message) {
        super(message);
    }
}
