package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/testscript"
)

// A reader who copies the files of a README.md and types its commands sees what it shows. Times, sizes and versions may
// differ, and a line "..." stands for any lines. The files shown are those of the folder quickstart beside it.
func TestReadme(t *testing.T) {
	for _, tt := range []struct {
		name, folder    string
		files, commands int // at least
	}{
		{"command", ".", 4, 8},
		{"library", "../..", 4, 6},
	} {
		t.Run(tt.name, func(t *testing.T) {
			text, err := os.ReadFile(filepath.Join(tt.folder, "README.md"))
			if err != nil {
				t.Fatal(err)
			}
			before, _ := aroundRust(string(text))
			r := readReadme(before)
			if len(r.files) < tt.files || len(r.commands) < tt.commands {
				t.Fatalf("README.md has %d files and %d commands: is it still read?", len(r.files), len(r.commands))
			}
			r.follow(t, filepath.Join(tt.folder, "quickstart"))
		})
	}
}

// follow does what the reader is told.
func (r readme) follow(t *testing.T, quickstart string) {
	t.Helper()
	for name, text := range r.files {
		shipped, err := os.ReadFile(filepath.Join(quickstart, filepath.FromSlash(name)))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(shipped), text); diff != "" {
			t.Errorf("quickstart/%s is not as README.md shows it (-shipped +shown):\n%s", name, diff)
		}
	}
	script := filepath.Join(t.TempDir(), "readme.txtar")
	if err := os.WriteFile(script, []byte(r.script()), 0o600); err != nil {
		t.Fatal(err)
	}
	p := params(t)
	p.Files = []string{script}
	p.Cmds["files"] = func(ts *testscript.TestScript, _ bool, _ []string) {
		for name, text := range r.files {
			ts.Check(os.MkdirAll(filepath.Dir(ts.MkAbs(name)), 0o755))
			ts.Check(os.WriteFile(ts.MkAbs(name), []byte(text), 0o644))
		}
	}
	p.Cmds["step"] = func(ts *testscript.TestScript, _ bool, args []string) {
		n, err := strconv.Atoi(args[0])
		ts.Check(err)
		r.commands[n].play(ts)
	}
	testscript.Run(t, p)
}

// readme is what README.md tells the reader to write and to type.
type readme struct {
	files    map[string]string
	commands []typed
}

// typed is one command and what it prints.
type typed struct{ line, prints string }

// fence is a fenced block. One that stands below a line "`NAME`:" is a file.
var fence = regexp.MustCompile("(?ms)^(?:`([^`\n]+)`:\n\n)?```(\\w*)\n(.*?)^```$")

func readReadme(text string) readme {
	r := readme{files: map[string]string{}}
	for _, m := range fence.FindAllStringSubmatch(text, -1) {
		switch {
		case m[1] != "":
			r.files[m[1]] = m[3]
		case m[2] == "console":
			for _, part := range strings.Split("\n"+m[3], "\n$ ")[1:] {
				line, prints, _ := strings.Cut(part, "\n")
				r.commands = append(r.commands, typed{line, prints})
			}
		}
	}
	return r
}

// In README.md, these are the gateway's address and the backend's; kill %1 is the interrupt of the gateway.
const (
	gatewayAddress = "127.0.0.1:8080"
	backendAddress = "127.0.0.1:8000"
	interrupt      = "kill -INT %1"
)

func (r readme) script() string {
	var b strings.Builder
	b.WriteString("backend\nfiles\n")
	for n, c := range r.commands {
		command, background := strings.CutSuffix(c.line, " &")
		switch {
		case background:
			command = strings.NewReplacer(gatewayAddress, "127.0.0.1:$PORT", backendAddress, "$BACKEND").Replace(command)
			fmt.Fprintf(&b, "exec %s &gateway&\nawait 127.0.0.1:$PORT\n", command)
		case c.line == interrupt:
			b.WriteString("kill -INT gateway\nwait gateway\nstdout stopped\n")
		default:
			fmt.Fprintf(&b, "step %d\n", n)
		}
	}
	return b.String()
}

// play runs a command, which must succeed and print what is shown.
func (c typed) play(ts *testscript.TestScript) {
	line := strings.ReplaceAll(c.line, gatewayAddress, "127.0.0.1:"+ts.Getenv("PORT"))
	if err := ts.Exec("sh", "-c", line); err != nil {
		ts.Fatalf("%s: %v\n%s", c.line, err, ts.ReadFile("stderr"))
	}
	got := ts.ReadFile("stdout")
	if !shown(c.prints).MatchString(settle(got)) {
		ts.Fatalf("%s prints\n%s\nand README.md shows\n%s", c.line, settle(got), settle(c.prints))
	}
}

var (
	varies = regexp.MustCompile(`[0-9.]+(ns|µs|ms|s)\b|[0-9.]+ MiB|go1\.[0-9.]+|Date: .*`)
	gaps   = regexp.MustCompile(`[ \t\r]+`)
)

// settle makes the same of what varies.
func settle(s string) string {
	return strings.TrimSpace(gaps.ReplaceAllString(varies.ReplaceAllString(s, "N"), " "))
}

func shown(s string) *regexp.Regexp {
	quoted := regexp.QuoteMeta(settle(s))
	quoted = regexp.MustCompile(`(?m)^\\\.\\\.\\\.$\n?`).ReplaceAllString(quoted, `(?s:.*)`)
	return regexp.MustCompile(`\A` + quoted + `\z`)
}
