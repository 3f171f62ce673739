package advice

import (
	"strings"
	"testing"

	"github.com/sallyport-gateway/sallyport/filter/cmd/sallyport/internal/document"
)

func TestSeries(t *testing.T) {
	// all can be called by the first app, the two versions of a by the second, b alone by the third: 3 + 2 + 1.
	const catalog = `
apis: [{name: a, version: v1}, {name: a, version: v2}, {name: b, version: v1}]
products: [{name: all}, {name: a, apis: [{name: a}, {name: a, version: v1}]}, {name: b, apis: [{name: b, version: v1}]}, {name: none, apis: [{name: c}]}]
apps: [{name: x, products: [all, b]}, {name: y, products: [a, none]}, {name: z, products: [b, unknown]}]
`
	for name, test := range map[string]struct {
		usage string
		says  bool
	}{
		"by default":        {"", false},
		"just enough":       {"usage: {max_series: 12}", false},
		"too few":           {"usage: {max_series: 11}", true},
		"none, on purpose":  {"usage: {max_series: 0}", false},
		"no number is said": {"usage: {attributes: []}", false},
	} {
		t.Run(name, func(t *testing.T) {
			d, err := document.Parse([]byte(catalog + test.usage))
			if err != nil {
				t.Fatal(err)
			}
			a := &adviser{}
			a.series(d.Root())
			if got := len(a.findings) == 1 && strings.Contains(a.findings[0].Message, "allows 11 metrics, but 3 apps can call 6 API versions"); got != test.says {
				t.Errorf("findings: %v", a.findings)
			}
		})
	}
}
