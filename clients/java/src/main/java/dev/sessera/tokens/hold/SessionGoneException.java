package dev.sessera.tokens.hold;

/** The session is over, or it asks for a proof that is missing. The person has to sign in. */
public class SessionGoneException extends Exception {
    public SessionGoneException(String message) {
        super(message);
    }
}
