// Package tokens verifies tokens of Sessera.
//
// What not everybody needs is in packages of its own: hold has a token for programs that carry a session, status reads status
// lists, and events hears at once which sessions have ended.
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
)

const maxAnswer = 1 << 20

// DefaultClient is the client that is used unless another one is given. It follows no redirection.
var DefaultClient = &http.Client{
	Timeout:       10 * time.Second,
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

// Get asks with these headers and reads the answer, which has a bound.
func Get(ctx context.Context, client *http.Client, address string, header http.Header) (*http.Response, []byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, nil, err
	}
	request.Header = header
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
