// Package events refuses tokens of sessions that have ended within a second of their end, for back ends that may follow the
// events of the admin API.
package events

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"sessera.dev/tokens"
)

const (
	maxEvent = 1 << 20
	// A connection that is quiet gets a comment every 15 seconds.
	maxSilence = 30 * time.Second
	// How long after a connection that ended the next one is made.
	pause = time.Second
	// How far the clock of the server may differ, and how much longer than a token lives is remembered that it is over.
	slack = time.Minute
)

// Follower is a check that knows which sessions have ended. Make one, run it, and give it to a verifier. Goroutines may share it.
type Follower struct {
	admin, token string
	longest      time.Duration
	client       *http.Client
	now          func() time.Time

	mutex        sync.Mutex
	last         int64
	text         string
	isCaughtUp   bool
	heard        time.Time
	ended, older *ended
	turned       time.Time
}

// ended has sessions that have ended, and for people, or "" for everybody, the last moment before which a token is refused,
// for each session that was left out.
type ended struct {
	sessions map[string]bool
	people   map[string]map[string]time.Time
}

func newEnded() *ended { return &ended{map[string]bool{}, map[string]map[string]time.Time{}} }

// New makes a follower: admin is the address of the admin API, token an admin token of the role viewer, and longest how long a
// token lives at the most.
func New(admin, token string, longest time.Duration) *Follower {
	return &Follower{
		admin: strings.TrimSuffix(admin, "/"), token: token, longest: longest,
		// An answer that goes on must not have a limit of time.
		client: &http.Client{CheckRedirect: tokens.DefaultClient.CheckRedirect},
		now:    time.Now, last: -1, ended: newEnded(), older: newEnded(),
	}
}

// Run follows until the context ends. Each connection that ends is told to lost, which may be nil, and made anew.
func (f *Follower) Run(ctx context.Context, lost func(error)) {
	for ctx.Err() == nil {
		if err := f.follow(ctx); lost != nil && ctx.Err() == nil {
			lost(err)
		}
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
	}
}

// Check refuses a token whose session has ended. Nobody can say so while the events cannot be had.
func (f *Follower) Check(_ context.Context, _ *tokens.Verifier, claims tokens.Claims) error {
	sub, _ := claims["sub"].(string)
	sid, _ := claims["sid"].(string)
	begin, hasBegin := claims["iat"].(float64)
	end, _ := claims["exp"].(float64)
	if sid == "" || !hasBegin || end-begin > f.longest.Seconds() {
		return refused("it names no session, or it lives longer than what has ended is remembered")
	}
	f.mutex.Lock()
	defer f.mutex.Unlock()
	if f.heard.IsZero() || f.now().Sub(f.heard) > maxSilence {
		return fmt.Errorf("%w: nobody knows which sessions have ended", tokens.ErrUnavailable)
	}
	for _, known := range []*ended{f.ended, f.older} {
		isOver := known.sessions[sid]
		for _, person := range []string{sub, ""} {
			for except, at := range known.people[person] {
				isOver = isOver || (except != sid && !time.Unix(int64(begin), 0).After(at))
			}
		}
		if isOver {
			return refused("its session has ended")
		}
	}
	return nil
}

func refused(why string) error { return fmt.Errorf("the token is %w: %s", tokens.ErrRefused, why) }

func (f *Follower) header() http.Header { return http.Header{"Authorization": {"Bearer " + f.token}} }

// follow makes a connection and hears all of it.
func (f *Follower) follow(ctx context.Context) error {
	// A connection that is lost without a word is given up.
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	watch := time.AfterFunc(maxSilence, cancel)
	if err := f.begin(ctx); err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, f.admin+"/admin/events?outcome=done", nil)
	if err != nil {
		return err
	}
	request.Header = f.header()
	request.Header.Set("Last-Event-ID", strconv.FormatInt(f.connected(), 10))
	answer, err := f.client.Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode == http.StatusBadRequest {
		f.forget()
	}
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("the events cannot be followed: the server answers %s", answer.Status)
	}
	part := make([]byte, 16<<10)
	for {
		length, err := answer.Body.Read(part)
		watch.Reset(maxSilence)
		if wrong := f.hear(string(part[:length])); wrong != nil {
			return wrong
		}
		if err != nil {
			return err
		}
	}
}

// begin finds out, once, behind which event to begin: what has to be known is what happened while a token was good that still is.
func (f *Follower) begin(ctx context.Context) error {
	if f.last >= 0 {
		return nil
	}
	until := f.now().Add(-f.longest - slack).UTC().Format(time.RFC3339)
	address := f.admin + "/admin/audit?page_size=1&until=" + url.QueryEscape(until)
	answer, body, err := tokens.Get(ctx, f.client, address, f.header())
	if err != nil {
		return err
	}
	var entries []struct{ Number int64 }
	if answer.StatusCode != http.StatusOK || json.Unmarshal(body, &entries) != nil {
		return fmt.Errorf("the record cannot be read: the server answers %s", answer.Status)
	}
	f.last = 0
	if len(entries) > 0 {
		f.last = entries[0].Number
	}
	return nil
}

// forget has it know nothing and begin as a new one does. The record has not reached what was heard: it is another one, as after a
// backup was brought back.
func (f *Follower) forget() {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	f.last, f.heard = -1, time.Time{}
	f.ended, f.older, f.turned = newEnded(), newEnded(), time.Time{}
}

// connected begins anew, and gives the number behind which to go on.
func (f *Follower) connected() int64 {
	f.text, f.isCaughtUp = "", false
	return f.last
}

// hear takes in a part of the events.
func (f *Follower) hear(part string) error {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	f.text += part
	for {
		event, rest, isWhole := strings.Cut(f.text, "\n\n")
		if !isWhole {
			break
		}
		f.text = rest
		if err := f.note(event); err != nil {
			return err
		}
	}
	if len(f.text) > maxEvent {
		return errors.New("an event is too long")
	}
	return nil
}

func (f *Follower) note(event string) error {
	f.isCaughtUp = f.isCaughtUp || event == ": caught up"
	for _, line := range strings.Split(event, "\n") {
		if data, isData := strings.CutPrefix(line, "data: "); isData {
			var entry entry
			if err := json.Unmarshal([]byte(data), &entry); err != nil {
				return fmt.Errorf("an event cannot be read: %w", err)
			}
			f.remember(entry)
		}
	}
	// What happened before is not known until all of it is read.
	if f.isCaughtUp {
		f.heard = f.now()
	}
	return nil
}

// entry is an event as an entry of the record.
type entry struct {
	Number          int64
	At              time.Time
	Action, Outcome string
	About           struct {
		Session string `json:"session_id"`
		Person  string `json:"identity_id"`
		Except  string
		State   string
	}
}

func (f *Follower) remember(entry entry) {
	f.last = entry.Number
	// Twice at the most: what has ended stays in memory for as long as its tokens may live.
	if f.now().Sub(f.turned) > f.longest+slack {
		f.ended, f.older, f.turned = newEnded(), f.ended, f.now()
	}
	about := entry.About
	isOff := entry.Action == "identity_changed" && about.State == "inactive"
	switch {
	case entry.Outcome != "done":
	case entry.Action == "session_ended":
		f.ended.sessions[about.Session] = true
	case entry.Action == "sessions_ended" || entry.Action == "identity_deleted" || isOff:
		if f.ended.people[about.Person] == nil {
			f.ended.people[about.Person] = map[string]time.Time{}
		}
		f.ended.people[about.Person][about.Except] = entry.At
	}
}
