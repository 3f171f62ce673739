package fidelity

import (
	"errors"
	"regexp"
	"strings"

	"github.com/sallyport-gateway/sallyport/hostsim"
)

// refusal is what the host said to a module or a configuration that it did not take.
func refusal(err error) (refused string, technical error) {
	var load *hostsim.LoadError
	var config *hostsim.ConfigError
	switch {
	case err == nil:
		return "", nil
	case errors.As(err, &load):
		return "refused" + loadReason(load.Reason), nil
	case errors.As(err, &config):
		return "refused" + loadReason(config.Reason), nil
	}
	return "", err
}

// reasons are Envoy's words for a module that it does not load.
var reasons = regexp.MustCompile(`Failed to load Wasm module due to [^\n]*|Missing or unknown Proxy-Wasm ABI version|Bad function signature for: \S+|Wasm module is missing malloc[^\n]*|Failed to load Wasm bytecode|Failed to initialize Wasm code|Failed to start base Wasm|Failed to configure base Wasm plugin`)

func loadReason(text string) string {
	found, _, _ := strings.Cut(reasons.FindString(text), " (Envoy ") // the simulated host adds which versions differ
	if found == "" {
		return ""
	}
	return ": " + found
}
