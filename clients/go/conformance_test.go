package tokens_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"reflect"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"sessera.dev/tokens"
	"sessera.dev/tokens/internal/table"
	"sessera.dev/tokens/status"
)

// The table that all libraries share, played with a server and a clock that do what it says.

func TestVerifying(t *testing.T) {
	told := table.Read(t)
	for _, row := range told.Verify {
		t.Run(row.Name, func(t *testing.T) {
			chosen := table.Settings{}
			for _, layer := range []json.RawMessage{told.Settings, row.Settings} {
				if layer != nil {
					if err := json.Unmarshal(layer, &chosen); err != nil {
						t.Fatal(err)
					}
				}
			}
			asks, answers, now := []string{}, map[string]*table.Answer{}, atomic.Int64{}
			verifier := tokens.NewVerifier(chosen.Issuer, chosen.Audience)
			verifier.Algorithms = []jose.SignatureAlgorithm{}
			for _, name := range chosen.Algorithms {
				verifier.Algorithms = append(verifier.Algorithms, jose.SignatureAlgorithm(name))
			}
			verifier.Leeway = time.Duration(chosen.Leeway) * time.Second
			if chosen.StatusList {
				verifier.Checks = []tokens.Check{&status.Lists{}}
			}
			verifier.Now = func() time.Time { return time.Unix(now.Load(), 0) }
			verifier.Client = &http.Client{Transport: table.Asked(func(request *http.Request) (*http.Response, error) {
				address := request.URL.String()
				asks = append(asks, address)
				found := answers[address]
				if found == nil {
					return nil, errors.New("no answer")
				}
				now.Add(int64(found.Takes))
				return found.Response(told.Bodies[found.Body])
			})}
			for _, step := range row.Steps {
				now.Store(step.At)
				asks, answers = []string{}, map[string]*table.Answer{}
				for _, layer := range []map[string]*table.Answer{told.Answers, row.Answers, step.Answers} {
					for address, given := range layer {
						answers[address] = given
					}
				}
				var all sync.WaitGroup
				for range max(1, step.AtOnce) {
					all.Add(1)
					go func() {
						defer all.Done()
						_, err := verifier.Verify(context.Background(), step.Token)
						if verdict := table.Word(err, "good"); verdict != step.Verdict || !table.IsToldAs(err, step.Says, step.Token) {
							t.Errorf("at %d: %s (%v) instead of %s", step.At, verdict, err, step.Verdict)
						}
					}()
				}
				all.Wait()
				if !reflect.DeepEqual(asks, step.Asks) {
					t.Errorf("at %d it asks %v instead of %v", step.At, asks, step.Asks)
				}
			}
		})
	}
}

// A verifier for the table's first keys whose second question waits until it is told to go on.
func waiting(t *testing.T) (verifier *tokens.Verifier, known, stranger string, began, goOn chan struct{}) {
	told := table.Read(t)
	isWaiting, now := atomic.Bool{}, atomic.Int64{}
	began, goOn = make(chan struct{}, 1), make(chan struct{})
	verifier = tokens.NewVerifier("https://id.example.org/", "https://api.example.org")
	verifier.Now = func() time.Time { return time.Unix(now.Load(), 0) }
	verifier.Client = &http.Client{Transport: table.Asked(func(request *http.Request) (*http.Response, error) {
		if isWaiting.Load() {
			began <- struct{}{}
			<-goOn
		}
		found := told.Answers[request.URL.String()]
		return found.Response(told.Bodies[found.Body])
	})}
	for _, row := range told.Verify {
		if strings.HasPrefix(row.Name, "an unknown key makes") {
			known, stranger = row.Steps[0].Token, row.Steps[1].Token
			now.Store(row.Steps[0].At)
			if _, err := verifier.Verify(t.Context(), known); err != nil {
				t.Fatal(err)
			}
			now.Store(row.Steps[1].At)
		}
	}
	isWaiting.Store(true)
	return verifier, known, stranger, began, goOn
}

func TestKeysThatAreStillGoodServeWhileAnUnknownOneIsAskedFor(t *testing.T) {
	verifier, known, stranger, began, goOn := waiting(t)
	verdict := make(chan error)
	go func() {
		_, err := verifier.Verify(t.Context(), stranger)
		verdict <- err
	}()
	<-began
	if _, err := verifier.Verify(t.Context(), known); err != nil {
		t.Error(err)
	}
	close(goOn)
	if err := <-verdict; !errors.Is(err, tokens.ErrRefused) {
		t.Error(err)
	}
}

func TestOneWhoDoesNotWaitLongerSpoilsNothingForOthers(t *testing.T) {
	verifier, _, stranger, began, goOn := waiting(t)
	ctx, leave := context.WithCancel(t.Context())
	verdict := make(chan error)
	go func() {
		_, err := verifier.Verify(ctx, stranger)
		verdict <- err
	}()
	<-began
	leave()
	if err := <-verdict; !errors.Is(err, tokens.ErrUnavailable) || !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	close(goOn)
	if _, err := verifier.Verify(t.Context(), stranger); !errors.Is(err, tokens.ErrRefused) {
		t.Error(err)
	}
}
