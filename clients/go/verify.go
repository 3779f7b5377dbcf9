package tokens

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	"sessera.dev/tokens/internal/shared"
)

const (
	maxToken = 16 << 10
	// How long an answer is kept that does not say it, in seconds.
	usualAge = 300
	// How long after the keys were asked for an unknown one makes them be asked for again.
	keyPause = 10 * time.Second
)

var (
	asymmetric = regexp.MustCompile(`^((ES|RS|PS)\d{3}|EdDSA)$`)
	notKept    = regexp.MustCompile(`(?i)\bno-(store|cache)\b`)
	maxAge     = regexp.MustCompile(`(?i)\bmax-age=(\d{1,9})`)
)

// Claims are what a token says.
type Claims map[string]any

// Check is a further look at the claims of a token that is good otherwise. Its error is ErrRefused or ErrUnavailable.
type Check interface {
	Check(ctx context.Context, verifier *Verifier, claims Claims) error
}

// Verifier verifies tokens of one issuer for one audience. Make one, change nothing in it afterwards, and keep it: it
// keeps the keys. Goroutines may share it.
type Verifier struct {
	Issuer, Audience string
	// Algorithms may be asymmetric ones only.
	Algorithms []jose.SignatureAlgorithm
	// Leeway is how far clocks may differ.
	Leeway time.Duration
	// Checks are asked in this order, and none where there are none.
	Checks []Check
	Client *http.Client
	Now    func() time.Time

	published shared.Shared[published]
	// Where the keys are, which only the one looks at who asks for them.
	jwksURI     string
	describedTo time.Time
}

type published struct {
	keys       keySet
	asked, end time.Time
}

// NewVerifier makes a verifier for ES256, with five seconds of leeway and without further checks.
func NewVerifier(issuer, audience string) *Verifier {
	algorithms := []jose.SignatureAlgorithm{jose.ES256}
	return &Verifier{
		Issuer: issuer, Audience: audience, Algorithms: algorithms, Leeway: 5 * time.Second,
		Client: DefaultClient, Now: time.Now,
	}
}

// Verify gives the claims of a good token. The error of any other one is ErrRefused or ErrUnavailable.
func (v *Verifier) Verify(ctx context.Context, token string) (Claims, error) {
	isWrong := func(name jose.SignatureAlgorithm) bool { return !asymmetric.MatchString(string(name)) }
	if v.Issuer == "" || v.Audience == "" || slices.ContainsFunc(v.Algorithms, isWrong) {
		return nil, errors.New("a verifier needs an issuer, an audience, and asymmetric algorithms")
	}
	if len(token) > maxToken {
		return nil, refused("it is too long")
	}
	if len(token) >= 7 && strings.EqualFold(token[:7], "Bearer ") {
		return nil, refused("a token without \"Bearer \" in front is expected")
	}
	claims := Claims{}
	expected := jwt.Expected{Issuer: v.Issuer, AnyAudience: jwt.Audience{v.Audience}}
	registered, err := v.Signed(ctx, token, []any{nil, "JWT", "at+jwt"}, expected, &claims)
	if err != nil {
		return nil, err
	}
	if registered.Subject == "" {
		return nil, refused("it has no subject")
	}
	for _, check := range v.Checks {
		if err := check.Check(ctx, v, claims); err != nil {
			return nil, err
		}
	}
	return claims, nil
}

func refused(why any) error { return fmt.Errorf("the token is %w: %v", ErrRefused, why) }

// Signed checks form, type, key, signature, times and what is expected of anything that the issuer signs, and reads the
// payload into values.
func (v *Verifier) Signed(ctx context.Context, token string, types []any, expected jwt.Expected, into ...any) (jwt.Claims, error) {
	registered := jwt.Claims{}
	parsed, err := jwt.ParseSigned(token, v.Algorithms)
	if err != nil {
		return registered, refused(err)
	}
	header := parsed.Headers[0]
	if strings.HasSuffix(token, ".") || header.ExtraHeaders["crit"] != nil {
		return registered, refused("it has no signature, or an extension that is not known here")
	}
	if header.KeyID == "" || !slices.Contains(types, header.ExtraHeaders[jose.HeaderType]) {
		return registered, refused("it is of another type, or names no key")
	}
	key, err := v.key(ctx, header.KeyID)
	if err != nil {
		return registered, err
	}
	if (key.Use != "" && key.Use != "sig") || (key.Algorithm != "" && key.Algorithm != header.Algorithm) {
		return registered, refused("its key is for something else")
	}
	if err := parsed.Claims(key.Key, append(into, &registered)...); err != nil {
		return registered, refused(err)
	}
	if registered.Expiry == nil {
		return registered, refused("it has no end")
	}
	if err := registered.ValidateWithLeeway(expected.WithTime(v.Now()), v.Leeway); err != nil {
		return registered, refused(err)
	}
	return registered, nil
}

func (v *Verifier) clock() time.Duration { return time.Duration(v.Now().UnixNano()) }

// key gives the published key with an id. One that is unknown makes the keys be asked for once more.
func (v *Verifier) key(ctx context.Context, kid string) (jose.JSONWebKey, error) {
	known, now := v.published.Known(), v.Now()
	if known == nil || !now.Before(known.end) || (len(known.keys.Key(kid)) == 0 && now.Sub(known.asked) >= keyPause) {
		var err error
		if known, err = v.published.After(ctx, known, v.clock, v.askForKeys); err != nil {
			return jose.JSONWebKey{}, fmt.Errorf("%w: %w", ErrUnavailable, err)
		}
	}
	if found := known.keys.Key(kid); len(found) > 0 {
		return found[0], nil
	}
	return jose.JSONWebKey{}, refused("its key is not known")
}

func (v *Verifier) askForKeys(ctx context.Context) (*published, error) {
	now := v.Now()
	if !now.Before(v.describedTo) {
		address := strings.TrimSuffix(v.Issuer, "/") + "/.well-known/openid-configuration"
		var description struct {
			Issuer  string `json:"issuer"`
			JWKSURI string `json:"jwks_uri"`
		}
		until, err := v.json(ctx, address, &description)
		if err != nil {
			return nil, err
		}
		if description.Issuer != v.Issuer {
			// Mostly a slash at the end is too much or missing.
			why := "%s describes \"%.200s\" and not \"%s\"; both must be the same to the letter"
			return nil, fmt.Errorf(why, address, description.Issuer, v.Issuer)
		}
		if !IsAsSafe(description.JWKSURI, address) {
			return nil, fmt.Errorf("%s names no safe address of keys", address)
		}
		v.jwksURI, v.describedTo = description.JWKSURI, until
	}
	keys := keySet{}
	until, err := v.json(ctx, v.jwksURI, &keys)
	return &published{keys, now, until}, err
}

// keySet is a key set without the keys of kinds that are not known here, which are for others.
type keySet struct{ jose.JSONWebKeySet }

func (s *keySet) UnmarshalJSON(document []byte) error {
	var set struct{ Keys []json.RawMessage }
	err := json.Unmarshal(document, &set)
	for _, raw := range set.Keys {
		var key jose.JSONWebKey
		if json.Unmarshal(raw, &key) == nil {
			s.Keys = append(s.Keys, key)
		}
	}
	return err
}

// json asks for JSON, and says until when it may be kept.
func (v *Verifier) json(ctx context.Context, address string, into any) (time.Time, error) {
	asked := v.Now()
	answer, body, err := Get(ctx, v.Client, address, http.Header{})
	if err == nil && answer.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s answers %s", address, answer.Status)
	}
	if err != nil {
		return asked, err
	}
	seconds, control := usualAge, answer.Header.Get("Cache-Control")
	if found := maxAge.FindStringSubmatch(control); found != nil {
		seconds, _ = strconv.Atoi(found[1])
	}
	if notKept.MatchString(control) {
		seconds = 0
	}
	return asked.Add(time.Duration(seconds) * time.Second), json.Unmarshal(body, into)
}

// IsAsSafe says whether an address is encrypted, unless the one that names it is not either.
func IsAsSafe(address, namedBy string) bool {
	return strings.HasPrefix(address, "https://") ||
		(strings.HasPrefix(address, "http://") && strings.HasPrefix(namedBy, "http://"))
}
