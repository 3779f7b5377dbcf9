package tokens

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// The table that all libraries share, played with a server and a clock that do what it says.

const resource = "https://api.example.org/"

type answer struct {
	Status       int    `json:"status"`
	CacheControl string `json:"cache_control"`
	Body         string `json:"body"`
}

type settings struct {
	Issuer     string   `json:"issuer"`
	Audience   string   `json:"audience"`
	Algorithms []string `json:"algorithms"`
	Leeway     int      `json:"leeway"`
	StatusList bool     `json:"status_list"`
}

type table struct {
	Settings json.RawMessage    `json:"settings"`
	Answers  map[string]*answer `json:"answers"`
	Bodies   map[string]string  `json:"bodies"`
	Verify   []struct {
		Name     string             `json:"name"`
		Settings json.RawMessage    `json:"settings"`
		Answers  map[string]*answer `json:"answers"`
		Steps    []struct {
			At      int64              `json:"at"`
			Token   string             `json:"token"`
			Verdict string             `json:"verdict"`
			Asks    []string           `json:"asks"`
			Answers map[string]*answer `json:"answers"`
		} `json:"steps"`
	} `json:"verify"`
	Hold []struct {
		Name  string `json:"name"`
		Steps []struct {
			After    int       `json:"after"`
			Do       string    `json:"do"`
			AtOnce   int       `json:"at_once"`
			Server   []*answer `json:"server"`
			Resource []int     `json:"resource"`
			Gives    any       `json:"gives"`
			Token    string    `json:"token"`
			Sent     []string  `json:"sent"`
		} `json:"steps"`
	} `json:"hold"`
}

func read(t *testing.T) table {
	content, err := os.ReadFile("../conformance/conformance.json")
	if err != nil {
		t.Fatal(err)
	}
	var read table
	if err := json.Unmarshal(content, &read); err != nil {
		t.Fatal(err)
	}
	return read
}

// asked is a transport that answers by a function.
type asked func(*http.Request) (*http.Response, error)

func (a asked) RoundTrip(request *http.Request) (*http.Response, error) { return a(request) }

func (a *answer) response(body string) (*http.Response, error) {
	if a == nil {
		return nil, errors.New("no answer")
	}
	header := http.Header{}
	if a.CacheControl != "" {
		header.Set("Cache-Control", a.CacheControl)
	}
	return &http.Response{StatusCode: a.Status, Header: header, Body: io.NopCloser(strings.NewReader(body))}, nil
}

// word says what came of something.
func word(err error, good string) string {
	for _, known := range []struct {
		err  error
		word string
	}{{ErrRefused, "refused"}, {ErrUnavailable, "unavailable"}, {ErrSessionGone, "gone"}} {
		if errors.Is(err, known.err) {
			return known.word
		}
	}
	if err != nil {
		return err.Error()
	}
	return good
}

func TestVerifying(t *testing.T) {
	table := read(t)
	for _, row := range table.Verify {
		t.Run(row.Name, func(t *testing.T) {
			chosen := settings{}
			for _, layer := range []json.RawMessage{table.Settings, row.Settings} {
				if layer != nil {
					if err := json.Unmarshal(layer, &chosen); err != nil {
						t.Fatal(err)
					}
				}
			}
			asks, answers, now := []string{}, map[string]*answer{}, int64(0)
			verifier := NewVerifier(chosen.Issuer, chosen.Audience)
			verifier.Algorithms = []jose.SignatureAlgorithm{}
			for _, name := range chosen.Algorithms {
				verifier.Algorithms = append(verifier.Algorithms, jose.SignatureAlgorithm(name))
			}
			verifier.Leeway, verifier.StatusList = time.Duration(chosen.Leeway)*time.Second, chosen.StatusList
			verifier.Now = func() time.Time { return time.Unix(now, 0) }
			verifier.Client = &http.Client{Transport: asked(func(request *http.Request) (*http.Response, error) {
				address := request.URL.String()
				asks = append(asks, address)
				found := answers[address]
				if found == nil {
					return nil, errors.New("no answer")
				}
				return found.response(table.Bodies[found.Body])
			})}
			for _, step := range row.Steps {
				now, asks, answers = step.At, []string{}, map[string]*answer{}
				for _, layer := range []map[string]*answer{table.Answers, row.Answers, step.Answers} {
					for address, given := range layer {
						answers[address] = given
					}
				}
				_, err := verifier.Verify(context.Background(), step.Token)
				if verdict := word(err, "good"); verdict != step.Verdict {
					t.Errorf("at %d: %s (%v) instead of %s", step.At, verdict, err, step.Verdict)
				}
				if !reflect.DeepEqual(asks, step.Asks) {
					t.Errorf("at %d it asks %v instead of %v", step.At, asks, step.Asks)
				}
			}
		})
	}
}

func TestHolding(t *testing.T) {
	table := read(t)
	for _, row := range table.Hold {
		t.Run(row.Name, func(t *testing.T) {
			server, answers, sent, after := []*answer{}, []int{}, []string{}, 0
			transport := asked(func(request *http.Request) (*http.Response, error) {
				if request.URL.String() == resource {
					sent = append(sent, strings.TrimPrefix(request.Header.Get("Authorization"), "Bearer "))
					status := answers[0]
					answers = answers[1:]
					return (&answer{Status: status}).response("")
				}
				if len(server) == 0 || request.Header.Get("X-Session-Token") != "session" {
					t.Fatal("a question too many, or without the session")
				}
				next := server[0]
				server = server[1:]
				if next == nil {
					return nil, errors.New("no answer")
				}
				return next.response(next.Body)
			})
			holder := NewHolder("https://id.example.org/", "api", "session")
			holder.client = &http.Client{Transport: transport}
			holder.elapsed = func() time.Duration { return time.Duration(after) * time.Second }
			client := &http.Client{Transport: holder.Transport(transport)}
			for _, step := range row.Steps {
				after, server, answers, sent = step.After, step.Server, step.Resource, []string{}
				if step.Do == "request" {
					given, err := client.Get(resource)
					status := 0
					if err == nil {
						status = given.StatusCode
					}
					if gives := word(err, fmt.Sprint(status)); gives != fmt.Sprint(step.Gives) {
						t.Errorf("after %d: %s instead of %v", after, gives, step.Gives)
					}
					if !reflect.DeepEqual(sent, step.Sent) || len(answers) > 0 {
						t.Errorf("after %d: it sent %v", after, sent)
					}
				}
				var all sync.WaitGroup
				for range step.AtOnce {
					all.Add(1)
					go func() {
						defer all.Done()
						token, err := holder.Token(context.Background())
						if gives := word(err, "token"); gives != step.Gives || token != step.Token {
							t.Errorf("after %d: %s %q (%v)", after, gives, token, err)
						}
					}()
				}
				all.Wait()
				if len(server) > 0 {
					t.Errorf("after %d: %d answers were not asked for", after, len(server))
				}
			}
		})
	}
}
