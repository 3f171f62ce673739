// Package release makes what is published for a version: the commands for each
// platform, the module, its OCI image, the charts, and what describes them. The
// same tag gives the same bytes, whoever makes them and wherever.
package release

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Platforms are the platforms that commands are published for.
var Platforms = []Platform{{"linux", "amd64"}, {"linux", "arm64"}, {"darwin", "amd64"}, {"darwin", "arm64"}}

// Platform is an operating system and an architecture, by Go's names.
type Platform struct{ OS, Arch string }

func (p Platform) String() string { return p.OS + "_" + p.Arch }

// commands are what an archive holds, with the packages that they are built
// from.
var commands = map[string]string{
	"sallyport": "./filter/cmd/sallyport",
	"hostsim":   "./hostsim/cmd/hostsim",
}

// Options say what to make.
type Options struct {
	Source    string // folder of a clean checkout whose HEAD has the tag
	Out       string // folder to create, which is emptied first
	Platforms []Platform
	Say       func(line string) // progress
}

// tagged is a version as Go and Helm read it: semver.org, with a "v" in front.
var tagged = regexp.MustCompile(`^v[0-9]+\.[0-9]+\.[0-9]+(-[0-9A-Za-z.-]+)?$`)

// release is a release in the making.
type release struct {
	Options
	version string // with "v"
	made    time.Time
}

// Make makes everything. It fails if the source is not what its tag says, or if
// CHANGELOG.md has no section for the version.
func Make(ctx context.Context, o Options) (version string, err error) {
	r := &release{Options: o}
	if err := r.identify(ctx); err != nil {
		return "", err
	}
	if err := errors.Join(os.RemoveAll(o.Out), os.MkdirAll(o.Out, 0o755)); err != nil {
		return "", fmt.Errorf("make the folder of the release: %w", err)
	}
	steps := []struct {
		what string
		do   func(context.Context) error
	}{
		{"the section of the changelog", r.notes},
		{"the module and its image", r.module},
		{"the charts", r.charts},
		{"the commands", r.programs},
		{"checksums and provenance", r.describe},
	}
	for _, s := range steps {
		o.Say(s.what)
		if err := s.do(ctx); err != nil {
			return "", fmt.Errorf("%s: %w", s.what, err)
		}
	}
	return r.version, nil
}

// identify finds the tag, and the time of its commit, which is the time of
// everything that is made.
func (r *release) identify(ctx context.Context) error {
	changed, err := r.run(ctx, nil, "git", "status", "--porcelain", "--untracked-files=no")
	if err != nil {
		return err
	}
	if changed != "" {
		return fmt.Errorf("the source differs from its commit: commit or drop these changes:\n%s", changed)
	}
	tags, err := r.run(ctx, nil, "git", "tag", "--points-at", "HEAD")
	if err != nil {
		return err
	}
	for tag := range strings.FieldsSeq(tags) {
		if tagged.MatchString(tag) {
			if r.version != "" {
				return fmt.Errorf("HEAD has the tags %s and %s: a release has exactly one", r.version, tag)
			}
			r.version = tag
		}
	}
	if r.version == "" {
		return errors.New("HEAD has no tag like v1.2.3: git tag -a v1.2.3, once CHANGELOG.md has a section for it")
	}
	seconds, err := r.run(ctx, nil, "git", "log", "-1", "--format=%ct")
	if err != nil {
		return err
	}
	unix, err := strconv.ParseInt(strings.TrimSpace(seconds), 10, 64)
	if err != nil {
		return fmt.Errorf("read the time of the commit: %w", err)
	}
	r.made = time.Unix(unix, 0).UTC()
	return nil
}

// run runs a program in the source's folder and returns what it wrote.
func (r *release) run(ctx context.Context, env []string, name string, args ...string) (string, error) {
	c := exec.CommandContext(ctx, name, args...)
	var wrong bytes.Buffer
	c.Dir, c.Stderr, c.Env = r.Source, &wrong, append(os.Environ(), env...)
	out, err := c.Output()
	if err != nil {
		return "", fmt.Errorf("%s %s: %w: %s", name, strings.Join(args, " "), err, strings.TrimSpace(wrong.String()))
	}
	return string(out), nil
}

func (r *release) write(name string, data []byte) error {
	return os.WriteFile(filepath.Join(r.Out, name), data, 0o644) //nolint:gosec // the caller chooses the folder, and the names are ours
}

// notes is the version's section of the changelog.
func (r *release) notes(context.Context) error {
	changelog, err := os.ReadFile(filepath.Join(r.Source, "CHANGELOG.md"))
	if err != nil {
		return err
	}
	section, ok := section(string(changelog), r.version)
	if !ok {
		return fmt.Errorf("CHANGELOG.md has no section %q with a line in it", "## "+r.version)
	}
	return r.write("NOTES.md", []byte(section))
}

// section is what is below a version's heading, "## v1.2.3" followed by
// anything, such as a date.
func section(changelog, version string) (text string, ok bool) {
	var lines []string
	inside := false
	for line := range strings.Lines(changelog) {
		if heading, is := strings.CutPrefix(line, "## "); is {
			if inside {
				break
			}
			fields := strings.Fields(heading)
			inside = len(fields) > 0 && fields[0] == version
			continue
		}
		if inside {
			lines = append(lines, line)
		}
	}
	text = strings.TrimSpace(strings.Join(lines, ""))
	return text + "\n", text != ""
}
