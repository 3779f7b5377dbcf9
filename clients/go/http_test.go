package tokens

import (
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"
)

func TestHandler(t *testing.T) {
	table := read(t)
	good := table.Verify[0].Steps[0]
	isAway := true
	verifier := NewVerifier("https://id.example.org/", "https://api.example.org")
	verifier.Now = func() time.Time { return time.Unix(good.At, 0) }
	verifier.Client = &http.Client{Transport: asked(func(request *http.Request) (*http.Response, error) {
		if isAway {
			return (&answer{Status: 503}).response("")
		}
		found := table.Answers[request.URL.String()]
		return found.response(table.Bodies[found.Body])
	})}
	handler := verifier.Handler(http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		if subject, _ := ClaimsOf(request)["sub"].(string); subject == "" {
			t.Error("no claims")
		}
	}))
	ask := func(authorization string, status int) {
		request := httptest.NewRequest(http.MethodGet, "/", nil)
		request.Header.Set("Authorization", authorization)
		answer := httptest.NewRecorder()
		handler.ServeHTTP(answer, request)
		if answer.Code != status {
			t.Errorf("%.20s: %d instead of %d", authorization, answer.Code, status)
		}
	}
	ask("Bearer "+good.Token, http.StatusServiceUnavailable)
	isAway = false
	ask("bearer "+good.Token, http.StatusOK)
	for _, other := range []string{"", "Bearer", "Basic " + good.Token, good.Token, "Bearer " + strings.ToUpper(good.Token)} {
		ask(other, http.StatusUnauthorized)
	}
}

// The library beside a real server, whose address and people the chore "libraries" gives.
func TestServer(t *testing.T) {
	issuer := os.Getenv("SESSERA_ISSUER")
	if issuer == "" {
		t.Skip("SESSERA_ISSUER is not set")
	}
	token, err := NewHolder(issuer, "api", os.Getenv("SESSERA_SESSION")).Token(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	verifier := NewVerifier(issuer, "https://api.example.org")
	verifier.StatusList = true
	claims, err := verifier.Verify(t.Context(), token)
	if err != nil || claims["sub"] != os.Getenv("SESSERA_SUBJECT") {
		t.Error(claims, err)
	}
	if _, err := NewVerifier(issuer, "https://elsewhere.example.org").Verify(t.Context(), token); word(err, "good") != "refused" {
		t.Error(err)
	}
	if _, err := NewHolder(issuer, "api", "x").Token(t.Context()); word(err, "good") != "gone" {
		t.Error(err)
	}
}
