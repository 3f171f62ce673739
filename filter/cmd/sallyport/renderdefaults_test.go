package main

import (
	"bytes"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/sallyport-gateway/sallyport/filter/cmd/sallyport/internal/command"
)

// TestRenderHelpTellsDefaults: what render puts in when a flag is left out stands in its help, and is true.
func TestRenderHelpTellsDefaults(t *testing.T) {
	help := output(t, "render", "--help")
	config := filepath.Join(t.TempDir(), "sallyport.yaml")
	if err := os.WriteFile(config, []byte(twoServers), 0o600); err != nil {
		t.Fatal(err)
	}
	manifest := output(t, "render", "--for", "envoy", "--file", config, "--backend", "backend.example.internal:18443")
	manifest = regexp.MustCompile(`(?m)^ +`).ReplaceAllString(manifest, "") // indentation says nothing here
	for flag, wants := range map[string]func(value string) string{
		"admin":      addressAndPort,
		"listen":     addressAndPort,
		"backend-ca": func(v string) string { return "filename: " + v + "\n" },
		"system-ca":  func(v string) string { return "filename: " + v + "\n" },
		"module":     func(v string) string { return "filename: " + v + "\n" },
		"secrets":    func(v string) string { return "path: " + v + "/gateway.yaml\n" },
	} {
		m := regexp.MustCompile(`(?m)^ +--` + flag + ` .*\(default "?([^")]+)"?\)$`).FindStringSubmatch(help)
		if m == nil {
			t.Errorf("--%s: the help names no default", flag)
			continue
		}
		if want := wants(m[1]); !strings.Contains(manifest, want) {
			t.Errorf("--%s: the help says %s, and the manifest has no %q", flag, m[1], want)
		}
	}
}

func addressAndPort(value string) string {
	host, port, err := net.SplitHostPort(value)
	if err != nil {
		return err.Error()
	}
	return "address: " + host + "\nport_value: " + port + "\n"
}

func output(t *testing.T, args ...string) string {
	t.Helper()
	var out, problems bytes.Buffer
	if code := command.Main(args, strings.NewReader(""), &out, &problems); code != 0 {
		t.Fatalf("%v: exit code %d: %s", args, code, &problems)
	}
	return out.String()
}
