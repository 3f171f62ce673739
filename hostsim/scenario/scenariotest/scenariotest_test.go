package scenariotest

import "testing"

func TestClosingLine(t *testing.T) {
	for want, got := range map[string]string{
		"64 scenarios on envoy":                      closingLine("envoy", 64, 0, 0),
		"3 scenarios on native, 1 failed, 2 skipped": closingLine("native", 3, 1, 2),
	} {
		if got != want {
			t.Errorf("closing line %q, want %q", got, want)
		}
	}
}
