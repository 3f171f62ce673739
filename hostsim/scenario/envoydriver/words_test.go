package envoydriver_test

import (
	"context"
	"os"
	"regexp"
	"testing"

	"github.com/sallyport-gateway/sallyport/hostsim"
	"github.com/sallyport-gateway/sallyport/hostsim/envoyrun/envoytest"
	"github.com/sallyport-gateway/sallyport/hostsim/scenario"
	"github.com/sallyport-gateway/sallyport/hostsim/scenario/envoydriver"
	"github.com/sallyport-gateway/sallyport/hostsim/scenario/hostdriver"
	"github.com/sallyport-gateway/sallyport/hostsim/scenario/scenariotest"
	"github.com/sallyport-gateway/sallyport/hostsim/wasmbuild"
)

// words is a folder of scenarios for each word of the language with which a file asks its driver for more than requests
// and answers.
const words = "testdata"

func scripted(t *testing.T) string {
	t.Helper()
	return wasmbuild.Package(t, "./hostsim/testdata/guests/scripted")
}

func onHost(t *testing.T, options ...hostsim.Option) *hostdriver.Driver {
	t.Helper()
	module, err := hostsim.CompileFile(t.Context(), scripted(t), hostsim.CompileOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := module.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return hostdriver.New(module, options...)
}

func TestWordsOnHostsim(t *testing.T) { scenariotest.RunDir(t, words, onHost(t)) }

func onEnvoy(t *testing.T) *envoydriver.Driver {
	t.Helper()
	d, err := envoydriver.NewDriver(t.Context(), envoydriver.Options{Envoy: envoytest.Find(t), Module: scripted(t), Cut: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	return d
}

func TestWordsOnEnvoy(t *testing.T) { scenariotest.RunDir(t, words, onEnvoy(t)) }

// Without the word each scenario fails: it is the word that makes the difference.
func TestWordsMatter(t *testing.T) {
	d := onHost(t)
	files, err := scenario.Load(words)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		t.Run(f.Name, func(t *testing.T) {
			rest := without(t, f)
			if rest == nil {
				return // it is no scenario without the word
			}
			report, err := scenario.Run(t.Context(), rest, d)
			if err == nil && report.OK() {
				t.Error("passes without the word, too")
			}
		})
	}
}

var wordSections = regexp.MustCompile(`(?m)^-- (?:settings|cluster [^\n]*|properties|plugin [^\n]*|config\.\w+ [^\n]+|hostcall [^\n]*) --\n(?:(?:[^-\n][^\n]*)?\n)*`)

var sentWords = regexp.MustCompile(`(?m)^(?:times|gone|fault): .*\n`)

var listed = regexp.MustCompile(`(-- (?:hostcalls|actions) --\n)[^\n]*\n`)

// without is a file without its words; nil when nothing sensible is left.
func without(t *testing.T, f *scenario.File) *scenario.File {
	t.Helper()
	text, err := os.ReadFile(f.Path)
	if err != nil {
		t.Fatal(err)
	}
	cut := wordSections.ReplaceAll(text, nil)
	cut = sentWords.ReplaceAll(cut, nil)
	cut = listed.ReplaceAll(cut, []byte("$1")) // a list of what may be, without the first of it
	if len(cut) == len(text) {
		t.Fatal("has no word")
	}
	out, _ := scenario.Parse(f.Path, cut, nil)
	return out
}
