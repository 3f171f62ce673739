package hostdriver

import (
	"strings"
	"testing"

	"github.com/sallyport-gateway/sallyport/hostsim/scenario"
)

// What would do nothing is an error, and no scenario that passes for the wrong reason.
func TestHostcallsThatCannotBeAnswered(t *testing.T) {
	d := driverOf(t, "./hostsim/testdata/guests/scripted")
	for section, want := range map[string]string{
		"-- hostcall proxy_get_propriety --\nfails: NotFound\n": "there is no hostcall proxy_get_propriety",
		"-- hostcall proxy_set_property --\ngives: text\n":      "hostcall proxy_set_property hands over no bytes: write fails: STATUS",
	} {
		for _, before := range []bool{true, false} {
			const call = "-- request --\nGET / HTTP/1.1\nhost: a\n-- response --\n200\ncontent-type: text/plain\n\nbackend\n-- backend --\nGET / HTTP/1.1\nhost: a\n"
			text := "Doc.\n-- config.json --\na:\n" + section + call
			if !before {
				text = "Doc.\n-- config.json --\na:\n" + call + section
			}
			f, err := scenario.Parse("x.txtar", []byte(text), nil)
			if err != nil {
				t.Fatal(err)
			}
			if _, err = scenario.Run(t.Context(), f, d); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%q gives %v, want %q", section, err, want)
			}
		}
	}
}
