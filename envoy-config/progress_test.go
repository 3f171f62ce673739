package envoyconfig

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestProgress plays what `go test -v` writes to the script by which `make test` tells how the tests went.
func TestProgress(t *testing.T) {
	awk, err := exec.LookPath("awk")
	if err != nil {
		t.Skip(err)
	}
	for _, name := range []string{"fine", "faults"} {
		t.Run(name, func(t *testing.T) {
			log, err := os.Open("testdata/progress/" + name + ".log")
			if err != nil {
				t.Fatal(err)
			}
			defer log.Close()
			want, err := os.ReadFile("testdata/progress/" + name + ".txt")
			if err != nil {
				t.Fatal(err)
			}
			command := exec.CommandContext(t.Context(), awk, "-f", "../.ci/progress.awk")
			command.Stdin = log
			got, err := command.CombinedOutput()
			if err != nil {
				t.Fatalf("%v: %s", err, got)
			}
			if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(string(got), "\n")); diff != "" {
				t.Errorf("make test's words (-want +got):\n%s", diff)
			}
		})
	}
}
