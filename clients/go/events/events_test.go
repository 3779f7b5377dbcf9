package events

import (
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"sessera.dev/tokens"
	"sessera.dev/tokens/hold"
	"sessera.dev/tokens/internal/table"
)

func TestFollowing(t *testing.T) {
	for _, row := range table.Read(t).Follow {
		t.Run(row.Name, func(t *testing.T) {
			now := int64(0)
			follower := New("https://admin.example.org/", "token", time.Duration(row.Longest)*time.Second)
			follower.now = func() time.Time { return time.Unix(now, 0) }
			follower.last = row.BeginsAfter
			for _, step := range row.Steps {
				now = step.At
				switch step.Do {
				case "connect":
					if after := follower.connected(); after != step.After {
						t.Errorf("at %d it goes on behind %d instead of %d", now, after, step.After)
					}
				case "hear":
					isGood := true
					for _, text := range step.Texts {
						isGood = isGood && follower.hear(text) == nil
					}
					if isGood != step.IsGood {
						t.Errorf("at %d it takes in %v: %v", now, step.Texts, isGood)
					}
				default:
					err := follower.Check(t.Context(), nil, step.Claims)
					if verdict := table.Word(err, "good"); verdict != step.Verdict {
						t.Errorf("at %d: %s (%v) instead of %s", now, verdict, err, step.Verdict)
					}
				}
			}
		})
	}
}

func TestAnotherRecord(t *testing.T) {
	asked := ""
	server := httptest.NewServer(http.HandlerFunc(func(answer http.ResponseWriter, request *http.Request) {
		asked = request.URL.Path + " " + request.Header.Get("Last-Event-ID")
		answer.WriteHeader(http.StatusBadRequest)
	}))
	defer server.Close()
	follower := New(server.URL, "token", 10*time.Minute)
	follower.now = func() time.Time { return time.Unix(1_000_000, 0) }
	entry := `{"number":7,"at":"1970-01-12T13:46:40Z","action":"session_ended","outcome":"done","about":{"session_id":"s"}}`
	claims := tokens.Claims{"sub": "p", "sid": "s", "iat": 999_900.0, "exp": 1_000_400.0}
	expect := func(verdict string) {
		if err := follower.Check(t.Context(), nil, claims); table.Word(err, "good") != verdict {
			t.Errorf("%v instead of %s", err, verdict)
		}
	}
	if err := follower.hear(": caught up\n\ndata: " + entry + "\n\n"); err != nil {
		t.Fatal(err)
	}
	expect("refused")
	if err := follower.follow(t.Context()); err == nil || asked != "/admin/events 7" {
		t.Fatalf("%v, asked for %s", err, asked)
	}
	expect("unavailable")
	if after := follower.connected(); after != -1 {
		t.Errorf("it goes on behind %d", after)
	}
	if err := follower.hear(": caught up\n\n"); err != nil {
		t.Fatal(err)
	}
	expect("good")
}

// The follower beside a real server, whose addresses and people the chore "libraries" gives.
func TestServer(t *testing.T) {
	issuer, admin := os.Getenv("SESSERA_ISSUER"), os.Getenv("SESSERA_ADMIN")
	if admin == "" {
		t.Skip("SESSERA_ADMIN is not set")
	}
	follower := New(admin, os.Getenv("SESSERA_ADMIN_TOKEN"), 10*time.Minute)
	go follower.Run(t.Context(), func(err error) { t.Log(err) })
	verifier := tokens.NewVerifier(issuer, "https://api.example.org")
	verifier.Checks = []tokens.Check{follower}
	session := os.Getenv("SESSERA_SESSION_TO_END")
	token, err := hold.New(issuer, "api", session).Token(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	await := func(verdict string) {
		for end := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
			_, err := verifier.Verify(t.Context(), token)
			if table.Word(err, "good") == verdict {
				return
			}
			if time.Now().After(end) {
				t.Fatalf("%v instead of %s", err, verdict)
			}
		}
	}
	await("good")
	body := strings.NewReader(`{"session_token":"` + session + `"}`)
	request, err := http.NewRequestWithContext(t.Context(), http.MethodDelete, issuer+"self-service/logout/api", body)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	if answer, err := tokens.DefaultClient.Do(request); err != nil || answer.StatusCode != http.StatusNoContent {
		t.Fatal(answer, err)
	}
	await("refused")
}
