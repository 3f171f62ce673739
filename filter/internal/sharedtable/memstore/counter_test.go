package memstore

import "testing"

func TestCounterSkipsZero(t *testing.T) {
	s := New(nil)
	s.nextCAS = 1<<32 - 1
	for _, want := range []uint32{1<<32 - 1, 1, 2} {
		if err := s.Set("a", nil, 0); err != nil {
			t.Fatal(err)
		}
		if _, cas, err := s.Get("a"); err != nil || cas != want {
			t.Errorf("cas %d (error %v), want %d", cas, err, want)
		}
	}
}
