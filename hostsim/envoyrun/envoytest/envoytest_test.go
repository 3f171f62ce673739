package envoytest_test

import (
	"testing"

	"github.com/sallyport-gateway/sallyport/hostsim/envoyrun/envoytest"
)

// recorder is a testing.TB that remembers how the test ended.
type recorder struct {
	testing.TB
	fatal, skipped bool
}

func (*recorder) Helper()        {}
func (r *recorder) Fatal(...any) { r.fatal = true }
func (r *recorder) Skip(...any)  { r.skipped = true }

func TestFindWithoutEnvoy(t *testing.T) {
	t.Chdir(t.TempDir())
	t.Setenv("ENVOY", "")
	t.Setenv("PATH", "")
	for _, c := range []struct {
		ci   string
		want recorder
	}{
		{ci: "true", want: recorder{fatal: true}},
		{ci: "", want: recorder{skipped: true}},
	} {
		t.Setenv("CI", c.ci)
		var got recorder
		envoytest.Find(&got)
		if got != c.want {
			t.Errorf("CI=%q: got %+v, want %+v", c.ci, got, c.want)
		}
	}
}
