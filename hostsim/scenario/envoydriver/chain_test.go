package envoydriver_test

import (
	"context"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport-gateway/sallyport/hostsim"
	"github.com/sallyport-gateway/sallyport/hostsim/scenario"
)

// recorder keeps the guests' lines of all exchanges, as they came.
type recorder struct {
	scenario.Sayer
	lines []string
	// heard are lines in the order in which plugins wrote them, for a driver whose results have them by plugin.
	heard *[]string
}

func (r *recorder) Start(ctx context.Context, s scenario.Setup) (scenario.Instance, error) {
	in, err := r.Sayer.Start(ctx, s)
	r.lines = nil
	return recorded{in, r}, err
}

type recorded struct {
	scenario.Instance
	of *recorder
}

func (in recorded) Do(ctx context.Context, r scenario.Request) (scenario.Result, error) {
	if in.of.heard != nil {
		*in.of.heard = nil
	}
	result, err := in.Instance.Do(ctx, r)
	if in.of.heard != nil {
		for _, message := range *in.of.heard {
			in.of.keep(message)
		}
		return result, err
	}
	for _, l := range result.Log {
		in.of.keep(l.Message)
	}
	return result, err
}

var (
	numbers = regexp.MustCompile(`^(\w+)[ 0-9]*:`)
	names   = regexp.MustCompile(`auth-s\d+`) // of a cluster, in a real Envoy
)

// keep leaves out a context's numbers and a cluster's, and what a Go guest writes when it dies.
func (r *recorder) keep(message string) {
	if numbers.MatchString(message) && !strings.HasPrefix(message, "Function:") && !strings.HasPrefix(message, "panic") {
		r.lines = append(r.lines, names.ReplaceAllString(numbers.ReplaceAllString(message, "$1:"), "auth"))
	}
}

// What two plugins in a chain see, and in which order, is what they see in a real Envoy.
func TestChainIsEnvoys(t *testing.T) {
	d := onEnvoy(t)
	files, err := scenario.Load(words + "/plugin")
	if err != nil {
		t.Fatal(err)
	}
	real := &recorder{Sayer: d}
	var inOrder []string
	simulated := &recorder{heard: &inOrder, Sayer: onHost(t, hostsim.WithLog(func(l hostsim.LogLine) { inOrder = append(inOrder, l.Message) }))}
	for _, f := range files {
		t.Run(f.Name, func(t *testing.T) {
			for _, one := range []*recorder{simulated, real} {
				if report, err := scenario.Run(t.Context(), f, one); err != nil || !report.OK() {
					t.Fatalf("%s: %v\n%s", one.Name(), err, report)
				}
			}
			if diff := cmp.Diff(real.lines, simulated.lines); diff != "" {
				t.Errorf("- a real Envoy, + hostsim\n%s", diff)
			}
			if len(real.lines) < 2 {
				t.Errorf("lines %q: they show nothing", real.lines)
			}
		})
	}
}
