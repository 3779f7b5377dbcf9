package tokens

import (
	"context"
	"errors"
	"net/http"
	"strings"
)

type contextKey struct{}

// ClaimsOf gives the claims of a request that came through Handler.
func ClaimsOf(request *http.Request) Claims {
	claims, _ := request.Context().Value(contextKey{}).(Claims)
	return claims
}

// Handler lets requests with a good token pass, and answers 401 or 503 to any other one.
func (v *Verifier) Handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		kind, token, _ := strings.Cut(request.Header.Get("Authorization"), " ")
		if !strings.EqualFold(kind, "Bearer") {
			token = ""
		}
		claims, err := v.Verify(request.Context(), token)
		switch {
		case err == nil:
			next.ServeHTTP(w, request.WithContext(context.WithValue(request.Context(), contextKey{}, claims)))
		case errors.Is(err, ErrRefused):
			w.Header().Set("WWW-Authenticate", "Bearer")
			w.WriteHeader(http.StatusUnauthorized)
		default:
			w.Header().Set("Retry-After", "5")
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	})
}
