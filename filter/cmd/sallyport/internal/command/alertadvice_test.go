package command

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// runbook is the page that says what to do about each alert.
const runbook = "../../../../../envoy-config/observability/README.md"

// TestAlertAdvice: the commands that a runbook or a warning advises work in the state they are advised for, and end it.
func TestAlertAdvice(t *testing.T) {
	page, err := os.ReadFile(runbook)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name, advice string
		left         time.Duration // of the old key
	}{
		{"a key that has expired", alertRow(t, page, "SallyportExpiredKeyInUse"), -time.Hour},
		{"a key that expires within the overlap", alertRow(t, page, "SallyportKeyExpires"), 3 * 24 * time.Hour},
		{"a key that expires after the overlap", alertRow(t, page, "SallyportKeyExpires"), 13 * 24 * time.Hour},
		{"check, within the overlap", "", 3 * 24 * time.Hour},
		{"check, after the overlap", "", 13 * 24 * time.Hour},
	} {
		t.Run(tt.name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "sallyport.yaml")
			text := "version: 1\napis: [{name: a, version: v1, base_path: /a}]\nproducts: [{name: p, apis: [{name: a}]}]\n" +
				"apps: [{name: shop, developer: d, products: [p], keys: [{id: k-other, sha256: " + strings.Repeat("cd", 32) + "}, {id: k-old, sha256: " + strings.Repeat("ab", 32) +
				", expires: " + time.Now().Add(tt.left).UTC().Format(time.RFC3339) + "}]}]\n" +
				"sequence: [{spike_arrest: {rate: 10ps}}, {verify_api_key: {from: [{header: x-api-key}]}}, {remove_api_key: {}}]\n"
			if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			advice := tt.advice
			if advice == "" {
				advice, _ = run("check", file)
			}
			commands := regexp.MustCompile("[`']sallyport (keys [^`']+)[`']").FindAllStringSubmatch(advice, -1)
			if len(commands) == 0 {
				t.Fatalf("no command is advised: %s", advice)
			}
			for _, c := range commands {
				words := strings.NewReplacer("NAME", "shop", "ID", "k-old").Replace(c[1])
				if out, code := run(append(strings.Fields(words), "--file", file)...); code != exitOK {
					t.Fatalf("%s: exit code %d: %s", words, code, out)
				}
			}
			now, _ := run("keys", "list", "--file", file)
			if strings.Contains(now, "expired") || !regexp.MustCompile(`in (89|90) days`).MatchString(now) {
				t.Errorf("after %v:\n%s", commands, now)
			}
		})
	}
}

// alertRow is what the runbook says to do about an alert.
func alertRow(t *testing.T, page []byte, alert string) string {
	t.Helper()
	for line := range strings.Lines(string(page)) {
		if strings.HasPrefix(line, "| `"+alert+"` |") {
			return line
		}
	}
	t.Fatalf("%s has no row for %s", runbook, alert)
	return ""
}

func run(args ...string) (out string, code int) {
	var b bytes.Buffer
	code = Main(args, strings.NewReader(""), &b, &b)
	return b.String(), code
}
