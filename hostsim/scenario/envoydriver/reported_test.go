package envoydriver

import "testing"

func TestCountersThatBeginAnewGoOn(t *testing.T) {
	var c counted
	const name, level = "sallyport_decisions.sp_decision=allow|", "sallyport_introspection_breaker.sp_cluster=okta|"
	for i, step := range []struct{ read, want int64 }{{2, 2}, {3, 3}, {1, 4}, {1, 4}, {5, 8}, {-1, 8}, {-1, 8}, {1, 9}} {
		metrics := map[string]int64{level: step.read}
		if step.read >= 0 { // else Envoy has forgotten it
			metrics[name] = step.read
		}
		c.whole(metrics)
		if metrics[name] != step.want || metrics[level] != step.read {
			t.Errorf("step %d: read %d, got %d, want %d; a gauge that was %d is %d", i, step.read, metrics[name], step.want, step.read, metrics[level])
		}
	}
}
