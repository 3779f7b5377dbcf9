// Lints the Helm chart as helm does, renders it, and reads what comes out as an API server does, which knows every field.
//
// It is given the folder of the chart and a file with values, and prints the manifests as a list in JSON.
package main

import (
	"encoding/json"
	"fmt"
	"log"
	"maps"
	"os"
	"slices"
	"strings"

	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/engine"
	"helm.sh/helm/v3/pkg/lint"
	"helm.sh/helm/v3/pkg/lint/support"
	"helm.sh/helm/v3/pkg/releaseutil"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/yaml"
)

func main() {
	manifests, err := checked(os.Args[1], os.Args[2])
	if err != nil {
		log.Fatal(err)
	}
	if err := json.NewEncoder(os.Stdout).Encode(manifests); err != nil {
		log.Fatal(err)
	}
}

func checked(folder, file string) ([]any, error) {
	values, err := chartutil.ReadValuesFile(file)
	if err != nil {
		return nil, err
	}
	for _, message := range lint.All(folder, values, "sessera", true).Messages {
		if message.Severity >= support.WarningSev {
			return nil, message
		}
	}
	chart, err := loader.Load(folder)
	if err != nil {
		return nil, err
	}
	release := chartutil.ReleaseOptions{Name: "sessera", Namespace: "sessera", IsInstall: true}
	all, err := chartutil.ToRenderValues(chart, values, release, chartutil.DefaultCapabilities)
	if err != nil {
		return nil, err
	}
	rendered, err := engine.Engine{Strict: true}.Render(chart, all)
	if err != nil {
		return nil, err
	}
	var manifests []any
	for _, name := range slices.Sorted(maps.Keys(rendered)) {
		if strings.HasSuffix(name, ".txt") {
			continue
		}
		parts := releaseutil.SplitManifests(rendered[name])
		for _, part := range slices.Sorted(maps.Keys(parts)) {
			manifest, err := read(parts[part])
			if err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
			manifests = append(manifests, manifest)
		}
	}
	return manifests, nil
}

// read refuses fields that Kubernetes does not know. Kinds that others add to it are only read as YAML.
func read(text string) (manifest any, err error) {
	strict := serializer.NewCodecFactory(scheme.Scheme, serializer.EnableStrict).UniversalDeserializer()
	if _, _, err := strict.Decode([]byte(text), nil, nil); err != nil && !runtime.IsNotRegisteredError(err) {
		return nil, err
	}
	err = yaml.UnmarshalStrict([]byte(text), &manifest)
	return manifest, err
}
