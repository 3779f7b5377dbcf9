// Package status refuses tokens whose session is over, as status lists tell (Token Status List of the IETF).
package status

import (
	"bytes"
	"compress/zlib"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4/jwt"
	"sessera.dev/tokens"
	"sessera.dev/tokens/internal/shared"
)

const maxList = 128 << 10

// Lists is a check by which every token must have a status, and its list is read. Goroutines may share it.
type Lists struct {
	mutex sync.Mutex
	known map[string]*shared.Shared[list]
}

type list struct {
	bits  []byte
	until time.Time
}

// Check refuses a token whose session is over, as the list says that the token names.
func (l *Lists) Check(ctx context.Context, verifier *tokens.Verifier, claims tokens.Claims) error {
	index, uri, isPlace := place(claims)
	if !isPlace {
		return refused("it has no status")
	}
	bits, err := l.list(ctx, verifier, uri)
	if err != nil {
		return fmt.Errorf("%w: the list at %s: %v", tokens.ErrUnavailable, uri, err)
	}
	if int(index/8) >= len(bits) || bits[index/8]>>(index%8)&1 == 1 {
		return refused("its session is over")
	}
	return nil
}

func refused(why string) error { return fmt.Errorf("the token is %w: %s", tokens.ErrRefused, why) }

// place gives index and address, if the claims have both.
func place(claims tokens.Claims) (uint32, string, bool) {
	status, _ := claims["status"].(map[string]any)
	list, _ := status["status_list"].(map[string]any)
	index, isNumber := list["idx"].(float64)
	uri, isText := list["uri"].(string)
	return uint32(index), uri, isNumber && isText && index >= 0 && index == float64(uint32(index))
}

func (l *Lists) list(ctx context.Context, verifier *tokens.Verifier, uri string) ([]byte, error) {
	l.mutex.Lock()
	if l.known == nil {
		l.known = map[string]*shared.Shared[list]{}
	}
	if l.known[uri] == nil {
		l.known[uri] = &shared.Shared[list]{}
	}
	place := l.known[uri]
	l.mutex.Unlock()
	known := place.Known()
	if known == nil || !verifier.Now().Before(known.until) {
		now := func() time.Duration { return time.Duration(verifier.Now().UnixNano()) }
		ask := func(ctx context.Context) (*list, error) { return read(ctx, verifier, uri) }
		var err error
		if known, err = place.After(ctx, known, now, ask); err != nil {
			return nil, err
		}
	}
	return known.bits, nil
}

func read(ctx context.Context, verifier *tokens.Verifier, uri string) (*list, error) {
	now := verifier.Now()
	if !tokens.IsAsSafe(uri, verifier.Issuer) {
		return nil, errors.New("it is less safe than the issuer")
	}
	answer, token, err := tokens.Get(ctx, verifier.Client, uri, http.Header{})
	if err == nil && answer.StatusCode != http.StatusOK {
		err = errors.New(answer.Status)
	}
	if err != nil {
		return nil, err
	}
	var claims struct {
		TTL  int64 `json:"ttl"`
		List struct {
			Bits int    `json:"bits"`
			Lst  string `json:"lst"`
		} `json:"status_list"`
	}
	text, expected := strings.TrimSpace(string(token)), jwt.Expected{Subject: uri}
	registered, err := verifier.Signed(ctx, text, []any{"statuslist+jwt"}, expected, &claims)
	if err != nil {
		return nil, err
	}
	packed, err := base64.RawURLEncoding.DecodeString(claims.List.Lst)
	if err != nil || claims.List.Bits != 1 {
		return nil, errors.New("its statuses are not bits")
	}
	reader, err := zlib.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, err
	}
	bits, err := io.ReadAll(io.LimitReader(reader, maxList+1))
	if err != nil || len(bits) > maxList {
		return nil, errors.New("it is longer than a list can be, or damaged")
	}
	until := now.Add(time.Duration(claims.TTL) * time.Second)
	if end := registered.Expiry.Time(); end.Before(until) {
		until = end
	}
	return &list{bits, until}, nil
}
