package tokens_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"reflect"
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
			asks, answers, now := []string{}, map[string]*table.Answer{}, int64(0)
			verifier := tokens.NewVerifier(chosen.Issuer, chosen.Audience)
			verifier.Algorithms = []jose.SignatureAlgorithm{}
			for _, name := range chosen.Algorithms {
				verifier.Algorithms = append(verifier.Algorithms, jose.SignatureAlgorithm(name))
			}
			verifier.Leeway = time.Duration(chosen.Leeway) * time.Second
			if chosen.StatusList {
				verifier.Checks = []tokens.Check{&status.Lists{}}
			}
			verifier.Now = func() time.Time { return time.Unix(now, 0) }
			verifier.Client = &http.Client{Transport: table.Asked(func(request *http.Request) (*http.Response, error) {
				address := request.URL.String()
				asks = append(asks, address)
				found := answers[address]
				if found == nil {
					return nil, errors.New("no answer")
				}
				return found.Response(told.Bodies[found.Body])
			})}
			for _, step := range row.Steps {
				now, asks, answers = step.At, []string{}, map[string]*table.Answer{}
				for _, layer := range []map[string]*table.Answer{told.Answers, row.Answers, step.Answers} {
					for address, given := range layer {
						answers[address] = given
					}
				}
				_, err := verifier.Verify(context.Background(), step.Token)
				if verdict := table.Word(err, "good"); verdict != step.Verdict {
					t.Errorf("at %d: %s (%v) instead of %s", step.At, verdict, err, step.Verdict)
				}
				if !reflect.DeepEqual(asks, step.Asks) {
					t.Errorf("at %d it asks %v instead of %v", step.At, asks, step.Asks)
				}
			}
		})
	}
}
