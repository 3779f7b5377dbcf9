package hold

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"sessera.dev/tokens/internal/table"
)

// The table that all libraries share, played with a server and a clock that do what it says.

func word(err error, good string) string {
	if errors.Is(err, ErrSessionGone) {
		return "gone"
	}
	return table.Word(err, good)
}

const resource = "https://api.example.org/"

func TestHolding(t *testing.T) {
	told := table.Read(t)
	for _, row := range told.Hold {
		t.Run(row.Name, func(t *testing.T) {
			server, answers, sent, after := []*table.Answer{}, []int{}, []string{}, atomic.Int64{}
			transport := table.Asked(func(request *http.Request) (*http.Response, error) {
				if request.URL.String() == resource {
					sent = append(sent, strings.TrimPrefix(request.Header.Get("Authorization"), "Bearer "))
					status := answers[0]
					answers = answers[1:]
					return (&table.Answer{Status: status}).Response("")
				}
				if len(server) == 0 || request.Header.Get("X-Session-Token") != "session" {
					t.Fatal("a question too many, or without the session")
				}
				next := server[0]
				server = server[1:]
				if next == nil {
					return nil, errors.New("no answer")
				}
				after.Add(int64(next.Takes))
				return next.Response(next.Body)
			})
			holder := New("https://id.example.org/", "api", "session")
			holder.client = &http.Client{Transport: transport}
			holder.elapsed = func() time.Duration { return time.Duration(after.Load()) * time.Second }
			client := &http.Client{Transport: holder.Transport(transport)}
			for _, step := range row.Steps {
				after.Store(int64(step.After))
				server, answers, sent = step.Server, step.Resource, []string{}
				if step.Do == "request" {
					given, err := client.Get(resource)
					status := 0
					if err == nil {
						status = given.StatusCode
					}
					if gives := word(err, fmt.Sprint(status)); gives != fmt.Sprint(step.Gives) {
						t.Errorf("after %d: %s instead of %v", step.After, gives, step.Gives)
					}
					if !reflect.DeepEqual(sent, step.Sent) || len(answers) > 0 {
						t.Errorf("after %d: it sent %v", step.After, sent)
					}
				}
				var all sync.WaitGroup
				for range step.AtOnce {
					all.Add(1)
					go func() {
						defer all.Done()
						token, err := holder.Token(context.Background())
						if gives := word(err, "token"); gives != step.Gives || token != step.Token || !table.IsToldAs(err, step.Says, "") {
							t.Errorf("after %d: %s %q (%v)", step.After, gives, token, err)
						}
					}()
				}
				all.Wait()
				if len(server) > 0 {
					t.Errorf("after %d: %d answers were not asked for", step.After, len(server))
				}
			}
		})
	}
}
