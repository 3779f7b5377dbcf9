package tokens

import (
	"bytes"
	"compress/zlib"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4/jwt"
)

const maxList = 128 << 10

// statusClaim is the place of a token in the status lists (Token Status List of the IETF).
type statusClaim struct {
	Status any `json:"status"`
}

// place gives index and address, if the claim has both.
func (s statusClaim) place() (uint32, string, bool) {
	status, _ := s.Status.(map[string]any)
	list, _ := status["status_list"].(map[string]any)
	index, isNumber := list["idx"].(float64)
	uri, isText := list["uri"].(string)
	return uint32(index), uri, isNumber && isText && index >= 0 && index == float64(uint32(index))
}

type lists struct {
	mutex sync.Mutex
	known map[string]list
}

type list struct {
	bits  []byte
	until time.Time
}

// checkStatus refuses a token whose session is over, as the list says that the token names.
func (v *Verifier) checkStatus(ctx context.Context, claim statusClaim) error {
	index, uri, isPlace := claim.place()
	if !isPlace {
		return refused("it has no status")
	}
	bits, err := v.list(ctx, uri)
	if err != nil {
		return fmt.Errorf("%w: the list at %s: %v", ErrUnavailable, uri, err)
	}
	if int(index/8) >= len(bits) || bits[index/8]>>(index%8)&1 == 1 {
		return refused("its session is over")
	}
	return nil
}

func (v *Verifier) list(ctx context.Context, uri string) ([]byte, error) {
	v.lists.mutex.Lock()
	defer v.lists.mutex.Unlock()
	now := v.Now()
	if known, isKnown := v.lists.known[uri]; isKnown && now.Before(known.until) {
		return known.bits, nil
	}
	if !isAsSafe(uri, v.Issuer) {
		return nil, errors.New("it is less safe than the issuer")
	}
	var token string
	if _, err := v.read(ctx, uri, &token); err != nil {
		return nil, err
	}
	var claims struct {
		TTL  int64 `json:"ttl"`
		List struct {
			Bits int    `json:"bits"`
			Lst  string `json:"lst"`
		} `json:"status_list"`
	}
	registered, err := v.checked(ctx, token, []any{"statuslist+jwt"}, jwt.Expected{Subject: uri}, &claims)
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
	if v.lists.known == nil {
		v.lists.known = map[string]list{}
	}
	v.lists.known[uri] = list{bits, until}
	return bits, nil
}
