package dev.sessera.tokens.shared;

import dev.sessera.tokens.UnavailableException;
import java.util.function.LongSupplier;

/**
 * Something that is asked for. All who need it meanwhile wait for the same answer, and who comes soon after a failure does not
 * wait.
 */
public final class Shared<T> {
    /** How long after a question that failed nobody asks again, in milliseconds. */
    private static final long REST = 5_000;

    /** A question. */
    @FunctionalInterface
    public interface Question<T, E extends Exception> {
        T ask() throws E;
    }

    private final LongSupplier millis;
    private volatile T known;
    private long failedAt;
    private String failure;

    public Shared(LongSupplier millis) {
        this.millis = millis;
    }

    /** What the last good answer was, or null. Whoever finds that it serves waits for nobody. */
    public T known() {
        return known;
    }

    /** What follows a value that does not serve any more. */
    public synchronized <E extends Exception> T after(T seen, Question<T, E> question) throws E {
        if (known != seen) {
            return known;
        }
        long since = millis.getAsLong() - failedAt;
        // A clock that was set back must not make it longer.
        if (failure != null && since >= 0 && since < REST) {
            throw new UnavailableException(failure);
        }
        try {
            known = question.ask();
            return known;
        } catch (UnavailableException error) {
            // A thread that was told to stop says nothing of the server.
            failure = Thread.currentThread().isInterrupted() ? null : error.getMessage();
            failedAt = millis.getAsLong();
            throw error;
        }
    }
}
