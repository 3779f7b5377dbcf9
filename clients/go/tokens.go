// Package tokens verifies tokens of Sessera, and holds one.
//
// A [Verifier] is for services that are shown tokens, a [Holder] for programs that carry a session and need a token of
// it again and again.
package tokens

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

var (
	// ErrRefused means that the token is not good. Answer 401; asking again with the same token changes nothing.
	ErrRefused = errors.New("refused")
	// ErrUnavailable means that nobody can say now whether the token is good, or that no new one can be had. Answer
	// 503; later it may work.
	ErrUnavailable = errors.New("unavailable")
	// ErrSessionGone means that the session is over, or asks for a proof that is missing. The person has to sign in.
	ErrSessionGone = errors.New("the session is gone")
)

const maxAnswer = 1 << 20

// DefaultClient is the client that is used unless another one is given. It follows no redirection.
var DefaultClient = &http.Client{
	Timeout:       10 * time.Second,
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

// get asks and reads the answer, which has a bound.
func get(ctx context.Context, client *http.Client, address, sessionToken string) (*http.Response, []byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, nil, err
	}
	if sessionToken != "" {
		request.Header.Set("X-Session-Token", sessionToken)
	}
	answer, err := client.Do(request)
	if err != nil {
		return nil, nil, err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswer+1))
	if len(body) > maxAnswer {
		err = fmt.Errorf("the answer of %s is too long", address)
	}
	return answer, body, err
}
