package render

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// apiPlace is where an API of the configuration is served, under one of its hosts.
type apiPlace struct {
	api, version string
	host         string // in lower case; "*.example.com" for all below it, "" for any
	base         string // "/" at least
}

// places are those of all APIs, in the order in which the filter looks for them: exact hosts, wildcards from the longest to
// the shortest, any host; within each the longest base path first.
func places(config []byte) ([]apiPlace, error) {
	var decoded struct {
		APIs []struct {
			Name     string   `json:"name"`
			Version  string   `json:"version"`
			BasePath string   `json:"base_path"`
			Hosts    []string `json:"hosts"`
		} `json:"apis"`
	}
	if err := json.Unmarshal(config, &decoded); err != nil {
		return nil, fmt.Errorf("read the configuration: %w", err)
	}
	var all []apiPlace
	for _, a := range decoded.APIs {
		hosts := a.Hosts
		if len(hosts) == 0 {
			hosts = []string{""}
		}
		for _, host := range hosts {
			all = append(all, apiPlace{a.Name, a.Version, strings.ToLower(host), a.BasePath})
		}
	}
	slices.SortStableFunc(all, func(a, b apiPlace) int {
		return cmp.Or(cmp.Compare(a.rank(), b.rank()), cmp.Compare(len(b.host), len(a.host)), cmp.Compare(a.host, b.host), cmp.Compare(len(b.base), len(a.base)))
	})
	return all, nil
}

func (p apiPlace) rank() int {
	switch {
	case p.host == "":
		return 2
	case strings.HasPrefix(p.host, "*"):
		return 1
	}
	return 0
}

// backendOf is the index of the backend for an API; the one for a version is closer than the one for all.
func backendOf(backends []Backend, p apiPlace) int {
	for _, name := range []string{p.api + "/" + p.version, p.api} {
		if i := slices.IndexFunc(backends, func(b Backend) bool { return b.API == name }); i > 0 {
			return i
		}
	}
	return 0
}

// placesFor are the places among which several backends are chosen; an error for a backend whose API the configuration does
// not have.
func placesFor(config []byte, backends []Backend) ([]apiPlace, error) {
	all, err := places(config)
	if err != nil {
		return nil, err
	}
	for _, b := range backends[1:] {
		if !slices.ContainsFunc(all, func(p apiPlace) bool { return b.API == p.api || b.API == p.api+"/"+p.version }) {
			return nil, fmt.Errorf("--backend %s=%s: the configuration has no API %q", b.API, b.Endpoints[0], b.API)
		}
	}
	return all, nil
}

// envoyRoutes are routes that choose the backend as the filter chooses the API.
func envoyRoutes(backends []Backend, all []apiPlace, timeout any) []any {
	var routes []any
	for _, p := range all {
		match := map[string]any{"path_separated_prefix": p.base}
		if p.base == "/" {
			match = map[string]any{"prefix": "/"}
		}
		if p.host != "" {
			text := map[string]any{"exact": p.host, "ignore_case": true}
			if suffix, ok := strings.CutPrefix(p.host, "*"); ok {
				text = map[string]any{"suffix": suffix, "ignore_case": true}
			}
			match["headers"] = []any{map[string]any{"name": ":authority", "string_match": text}}
		}
		routes = append(routes, map[string]any{"match": match, "route": map[string]any{"cluster": backends[backendOf(backends, p)].cluster(), "timeout": timeout}})
	}
	rest := map[string]any{"match": map[string]any{"prefix": "/"}, "route": map[string]any{"cluster": backends[0].cluster(), "timeout": timeout}}
	return append(routes, rest)
}
