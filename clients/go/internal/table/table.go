// Package table has the table that all libraries share, for tests.
package table

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"

	"sessera.dev/tokens"
)

// Answer is an answer of a server.
type Answer struct {
	Status       int    `json:"status"`
	CacheControl string `json:"cache_control"`
	Body         string `json:"body"`
	Takes        int    `json:"takes"`
}

// Settings are those of a verifier.
type Settings struct {
	Issuer     string   `json:"issuer"`
	Audience   string   `json:"audience"`
	Algorithms []string `json:"algorithms"`
	Leeway     int      `json:"leeway"`
	StatusList bool     `json:"status_list"`
}

// Table is the whole of it.
type Table struct {
	Settings json.RawMessage    `json:"settings"`
	Answers  map[string]*Answer `json:"answers"`
	Bodies   map[string]string  `json:"bodies"`
	Verify   []struct {
		Name     string             `json:"name"`
		Settings json.RawMessage    `json:"settings"`
		Answers  map[string]*Answer `json:"answers"`
		Steps    []struct {
			At      int64              `json:"at"`
			Token   string             `json:"token"`
			Verdict string             `json:"verdict"`
			Says    string             `json:"says"`
			Asks    []string           `json:"asks"`
			AtOnce  int                `json:"at_once"`
			Answers map[string]*Answer `json:"answers"`
		} `json:"steps"`
	} `json:"verify"`
	Hold []struct {
		Name  string `json:"name"`
		Steps []struct {
			After    int       `json:"after"`
			Do       string    `json:"do"`
			AtOnce   int       `json:"at_once"`
			Server   []*Answer `json:"server"`
			Resource []int     `json:"resource"`
			Gives    any       `json:"gives"`
			Says     string    `json:"says"`
			Token    string    `json:"token"`
			Sent     []string  `json:"sent"`
		} `json:"steps"`
	} `json:"hold"`
	Follow []struct {
		Name        string `json:"name"`
		BeginsAfter int64  `json:"begins_after"`
		Longest     int    `json:"longest"`
		Steps       []struct {
			At      int64         `json:"at"`
			Do      string        `json:"do"`
			After   int64         `json:"after"`
			Texts   []string      `json:"texts"`
			IsGood  bool          `json:"is_good"`
			Claims  tokens.Claims `json:"claims"`
			Verdict string        `json:"verdict"`
		} `json:"steps"`
	} `json:"follow"`
}

// Read reads it, for a test in this folder of the repository or the one below.
func Read(t *testing.T) Table {
	content, err := os.ReadFile("../conformance/conformance.json")
	if errors.Is(err, os.ErrNotExist) {
		content, err = os.ReadFile("../../conformance/conformance.json")
	}
	if err != nil {
		t.Fatal(err)
	}
	var read Table
	if err := json.Unmarshal(content, &read); err != nil {
		t.Fatal(err)
	}
	return read
}

// Asked is a transport that answers by a function.
type Asked func(*http.Request) (*http.Response, error)

// RoundTrip answers.
func (a Asked) RoundTrip(request *http.Request) (*http.Response, error) { return a(request) }

// Response is the answer with this body, and an error when there is no answer.
func (a *Answer) Response(body string) (*http.Response, error) {
	if a == nil || a.Status == 0 {
		return nil, errors.New("no answer")
	}
	header := http.Header{}
	if a.CacheControl != "" {
		header.Set("Cache-Control", a.CacheControl)
	}
	return &http.Response{StatusCode: a.Status, Header: header, Body: io.NopCloser(strings.NewReader(body))}, nil
}

// Word says what came of something.
func Word(err error, good string) string {
	switch {
	case err == nil:
		return good
	case errors.Is(err, tokens.ErrRefused):
		return "refused"
	case errors.Is(err, tokens.ErrUnavailable):
		return "unavailable"
	default:
		return err.Error()
	}
}

// IsToldAs says whether an error has a text in it, and not the token.
func IsToldAs(err error, says, token string) bool {
	return err == nil || (strings.Contains(err.Error(), says) && (len(token) < 20 || !strings.Contains(err.Error(), token)))
}
