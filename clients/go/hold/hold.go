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
	"sync/atomic"
	"time"

	"sessera.dev/tokens"
	"sessera.dev/tokens/internal/shared"
)

// ErrSessionGone means that the session is over, or asks for a proof that is missing. The person has to sign in.
var ErrSessionGone = errors.New("the session is gone")

// Holder holds a token of one session and template, and renews it in time. Goroutines may share it.
type Holder struct {
	address      string
	sessionToken string
	client       *http.Client
	elapsed      func() time.Duration

	held shared.Shared[held]
	gone atomic.Pointer[error]
}

type held struct {
	token           string
	renewAt, endsAt time.Duration
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
	known := h.held.Known()
	if known != nil && h.gone.Load() == nil && h.elapsed() < known.renewAt {
		return known.token, nil
	}
	newer, err := h.after(ctx, known)
	if errors.Is(err, tokens.ErrUnavailable) && known != nil && h.elapsed() < known.endsAt {
		return known.token, nil
	}
	return newer, err
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
	known := t.holder.held.Known()
	newer := known.token
	if newer == token {
		newer, err = t.holder.after(request.Context(), known)
	}
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

// after gives the token that follows one that does not serve any more.
func (h *Holder) after(ctx context.Context, known *held) (string, error) {
	if gone := h.gone.Load(); gone != nil {
		return "", *gone
	}
	newer, err := h.held.After(ctx, known, h.elapsed, h.obtain)
	if errors.Is(err, ErrSessionGone) {
		return "", err
	}
	if err != nil {
		return "", fmt.Errorf("no token can be had, %w: %w", tokens.ErrUnavailable, err)
	}
	return newer.token, nil
}

// obtain asks for a token, and finds out how long it lives.
func (h *Holder) obtain(ctx context.Context) (*held, error) {
	now := h.elapsed()
	header := http.Header{"X-Session-Token": {h.sessionToken}}
	answer, body, err := tokens.Get(ctx, h.client, h.address, header)
	if err != nil {
		return nil, err
	}
	if answer.StatusCode == http.StatusUnauthorized || answer.StatusCode == http.StatusForbidden {
		gone := fmt.Errorf("%w: the server answers %s", ErrSessionGone, answer.Status)
		h.gone.Store(&gone)
		return nil, gone
	}
	var session struct {
		Tokenized string `json:"tokenized"`
	}
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("the server answers %d%s", answer.StatusCode, reason(body))
	}
	if json.Unmarshal(body, &session) != nil {
		return nil, errors.New("the server answers something else than a session")
	}
	// The token is for others to check. Here only its life is of interest.
	var claims struct{ Exp, Iat float64 }
	parts := strings.Split(session.Tokenized, ".")
	payload, err := base64.RawURLEncoding.DecodeString(parts[min(1, len(parts)-1)])
	if err == nil {
		err = json.Unmarshal(payload, &claims)
	}
	if err != nil || claims.Iat == 0 || claims.Exp <= claims.Iat {
		return nil, errors.New("the token does not say how long it lives")
	}
	life := time.Duration(claims.Exp-claims.Iat) * time.Second
	return &held{session.Tokenized, now + life/4*3, now + life}, nil
}

// reason is what a server says about an answer that is no token, behind a colon.
func reason(body []byte) string {
	var told struct{ Error map[string]any }
	if json.Unmarshal(body, &told) == nil {
		for _, name := range []string{"reason", "message"} {
			if why, isText := told.Error[name].(string); isText && why != "" {
				return fmt.Sprintf(": %.500s", why)
			}
		}
	}
	return ""
}
