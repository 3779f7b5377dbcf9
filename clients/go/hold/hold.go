// Package hold has a token for programs that carry a session, and need a token of it again and again.
package hold

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"sessera.dev/tokens"
)

// ErrSessionGone means that the session is over, or asks for a proof that is missing. The person has to sign in.
var ErrSessionGone = errors.New("the session is gone")

// How long after a renewal that failed the next one is tried while the token is good.
const renewalPause = 5 * time.Second

// Holder holds a token of one session and template, and renews it in time. Goroutines may share it.
type Holder struct {
	address      string
	sessionToken string
	client       *http.Client
	elapsed      func() time.Duration

	mutex       sync.Mutex
	held        string
	renewAt     time.Duration
	endsAt      time.Duration
	pausedUntil time.Duration
	gone        error
}

// New makes a holder: server is the public address of Sessera, sessionToken what a native sign-in gave.
func New(server, template, sessionToken string) *Holder {
	began := time.Now()
	return &Holder{
		address:      strings.TrimSuffix(server, "/") + "/sessions/whoami?tokenize_as=" + url.QueryEscape(template),
		sessionToken: sessionToken,
		client:       tokens.DefaultClient,
		// The clock on the wall may be wrong, and is set now and then. This one only goes on.
		elapsed: func() time.Duration { return time.Since(began) },
	}
}

// Token gives a token that is good now. The error is ErrSessionGone when the person has to sign in.
func (h *Holder) Token(ctx context.Context) (string, error) {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	now := h.elapsed()
	isGood := h.held != "" && now < h.endsAt
	if isGood && (now < h.renewAt || now < h.pausedUntil) {
		return h.held, nil
	}
	err := h.renew(ctx, now)
	if err != nil && !(isGood && errors.Is(err, tokens.ErrUnavailable)) {
		return "", err
	}
	return h.held, nil
}

// Transport sends requests with the token. An answer 401 makes a new token be fetched and the request be sent once
// more, unless it has a body that can be sent only once.
func (h *Holder) Transport(base http.RoundTripper) http.RoundTripper { return transport{h, base} }

type transport struct {
	holder *Holder
	base   http.RoundTripper
}

func (t transport) RoundTrip(request *http.Request) (*http.Response, error) {
	token, err := t.holder.Token(request.Context())
	if err != nil {
		return nil, err
	}
	answer, err := t.send(request, request.Body, token)
	isOnce := request.Body != nil && request.Body != http.NoBody && request.GetBody == nil
	if err != nil || answer.StatusCode != http.StatusUnauthorized || isOnce {
		return answer, err
	}
	newer, err := t.holder.after(request.Context(), token)
	if errors.Is(err, tokens.ErrUnavailable) {
		return answer, nil
	}
	answer.Body.Close()
	if err != nil {
		return nil, err
	}
	body := request.Body
	if request.GetBody != nil {
		if body, err = request.GetBody(); err != nil {
			return nil, err
		}
	}
	return t.send(request, body, newer)
}

func (t transport) send(request *http.Request, body io.ReadCloser, token string) (*http.Response, error) {
	carried := request.Clone(request.Context())
	carried.Body = body
	carried.Header.Set("Authorization", "Bearer "+token)
	return t.base.RoundTrip(carried)
}

// after gives the token that follows one that was refused.
func (h *Holder) after(ctx context.Context, token string) (string, error) {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	if h.held != token {
		return h.held, h.gone
	}
	err := h.renew(ctx, h.elapsed())
	return h.held, err
}

func (h *Holder) renew(ctx context.Context, now time.Duration) error {
	if h.gone != nil {
		return h.gone
	}
	token, life, err := h.obtain(ctx)
	switch {
	case errors.Is(err, ErrSessionGone):
		h.held, h.gone = "", err
	case err != nil:
		h.pausedUntil = now + renewalPause
		return fmt.Errorf("no token can be had, %w: %w", tokens.ErrUnavailable, err)
	default:
		h.held, h.renewAt, h.endsAt = token, now+life/4*3, now+life
	}
	return err
}

// obtain asks for a token, and says how long it lives.
func (h *Holder) obtain(ctx context.Context) (string, time.Duration, error) {
	header := http.Header{"X-Session-Token": {h.sessionToken}}
	answer, body, err := tokens.Get(ctx, h.client, h.address, header)
	if err != nil {
		return "", 0, err
	}
	if answer.StatusCode == http.StatusUnauthorized || answer.StatusCode == http.StatusForbidden {
		return "", 0, fmt.Errorf("%w: the server answers %s", ErrSessionGone, answer.Status)
	}
	var session struct {
		Tokenized string `json:"tokenized"`
	}
	if answer.StatusCode != http.StatusOK || json.Unmarshal(body, &session) != nil {
		return "", 0, fmt.Errorf("the server answers %s", answer.Status)
	}
	// The token is for others to check. Here only its life is of interest.
	var claims struct{ Exp, Iat float64 }
	parts := strings.Split(session.Tokenized, ".")
	payload, err := base64.RawURLEncoding.DecodeString(parts[min(1, len(parts)-1)])
	if err == nil {
		err = json.Unmarshal(payload, &claims)
	}
	if err != nil || claims.Iat == 0 || claims.Exp <= claims.Iat {
		return "", 0, errors.New("the token does not say how long it lives")
	}
	return session.Tokenized, time.Duration(claims.Exp-claims.Iat) * time.Second, nil
}
