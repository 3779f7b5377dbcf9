package tokens_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"sessera.dev/tokens"
	"sessera.dev/tokens/hold"
	"sessera.dev/tokens/internal/table"
	"sessera.dev/tokens/status"
)

func TestHandler(t *testing.T) {
	told := table.Read(t)
	good := told.Verify[0].Steps[0]
	isAway, now := true, good.At
	verifier := tokens.NewVerifier("https://id.example.org/", "https://api.example.org")
	verifier.Now = func() time.Time { return time.Unix(now, 0) }
	verifier.Client = &http.Client{Transport: table.Asked(func(request *http.Request) (*http.Response, error) {
		if isAway {
			return (&table.Answer{Status: 503}).Response("")
		}
		found := told.Answers[request.URL.String()]
		return found.Response(told.Bodies[found.Body])
	})}
	handler := verifier.Handler(http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		if subject, _ := tokens.ClaimsOf(request)["sub"].(string); subject == "" {
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
	isAway, now = false, good.At+5
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
	token, err := hold.New(issuer, "api", os.Getenv("SESSERA_SESSION")).Token(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	verifier := tokens.NewVerifier(issuer, "https://api.example.org")
	verifier.Checks = []tokens.Check{&status.Lists{}}
	claims, err := verifier.Verify(t.Context(), token)
	if err != nil || claims["sub"] != os.Getenv("SESSERA_SUBJECT") {
		t.Error(claims, err)
	}
	if _, err := tokens.NewVerifier(issuer, "https://elsewhere.example.org").Verify(t.Context(), token); table.Word(err, "good") != "refused" {
		t.Error(err)
	}
	if _, err := hold.New(issuer, "api", "x").Token(t.Context()); !errors.Is(err, hold.ErrSessionGone) {
		t.Error(err)
	}
}
