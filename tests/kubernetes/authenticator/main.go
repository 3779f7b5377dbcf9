// Takes tokens as an API server of Kubernetes does: its own reader of the configuration, and its own authenticator.
//
// It is given the AuthenticationConfiguration as a file, and then a token in each line of standard input. It answers each
// line with the person as JSON, or with "refused" and the reason.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"log"
	"os"
	"time"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/apiserver/pkg/apis/apiserver"
	"k8s.io/apiserver/pkg/apis/apiserver/install"
	"k8s.io/apiserver/plugin/pkg/authenticator/token/oidc"
)

// roots is the certificate of the authority that the configuration trusts.
type roots string

func (pem roots) CurrentCABundleContent() []byte { return []byte(pem) }

func main() {
	authenticator, err := compiled(os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	// It asks for the issuer's keys beside everything else, and refuses all tokens before it has them.
	ready := func(context.Context) (bool, error) { return authenticator.HealthCheck() == nil, nil }
	if err := wait.PollUntilContextTimeout(context.Background(), 10*time.Millisecond, time.Minute, true, ready); err != nil {
		log.Fatal(authenticator.HealthCheck())
	}
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		answer, ok, err := authenticator.AuthenticateToken(context.Background(), lines.Text())
		if err != nil || !ok {
			fmt.Println("refused", err)
			continue
		}
		person := map[string]any{"name": answer.User.GetName(), "groups": answer.User.GetGroups()}
		if err := json.NewEncoder(os.Stdout).Encode(person); err != nil {
			log.Fatal(err)
		}
	}
}

func compiled(file string) (oidc.AuthenticatorTokenWithHealthCheck, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	scheme := runtime.NewScheme()
	install.Install(scheme)
	decoder := serializer.NewCodecFactory(scheme, serializer.EnableStrict).UniversalDecoder()
	read, err := runtime.Decode(decoder, text)
	if err != nil {
		return nil, err
	}
	configuration, ok := read.(*apiserver.AuthenticationConfiguration)
	if !ok || len(configuration.JWT) != 1 {
		return nil, fmt.Errorf("%s has no issuer, or several", file)
	}
	issuer := configuration.JWT[0]
	return oidc.New(context.Background(), oidc.Options{
		JWTAuthenticator:     issuer,
		CAContentProvider:    roots(issuer.Issuer.CertificateAuthority),
		SupportedSigningAlgs: oidc.AllValidSigningAlgorithms(),
	})
}
