package memstore_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport-gateway/sallyport/filter/internal/sharedtable"
	"github.com/sallyport-gateway/sallyport/filter/internal/sharedtable/memstore"
)

func wantItem(t *testing.T, s *memstore.Store, key, value string, cas uint32) {
	t.Helper()
	got, gotCAS, err := s.Get(key)
	if err != nil || string(got) != value || gotCAS != cas {
		t.Errorf("get %q = %q, cas %d, error %v; want %q, cas %d", key, got, gotCAS, err, value, cas)
	}
}

// The rules as they were measured on Envoy 1.40.
func TestEnvoysRules(t *testing.T) {
	s := memstore.New(nil)
	if _, _, err := s.Get("a"); !errors.Is(err, sharedtable.ErrNotFound) {
		t.Errorf("get of an absent key: %v, want ErrNotFound", err)
	}
	for _, step := range []struct {
		name, key, value string
		cas              uint32
		want             error
		after            string
		afterCAS         uint32
	}{
		{"any cas creates an absent key", "a", "1", 7, nil, "1", 1},
		{"a wrong cas mismatches", "a", "2", 7, sharedtable.ErrCASMismatch, "1", 1},
		{"the right cas writes", "a", "3", 1, nil, "3", 2},
		{"a used cas mismatches", "a", "4", 1, sharedtable.ErrCASMismatch, "3", 2},
		{"cas 0 overwrites", "a", "5", 0, nil, "5", 3},
		{"the counter is one for all keys", "b", "", 0, nil, "", 4},
		{"another key's cas mismatches", "a", "6", 4, sharedtable.ErrCASMismatch, "5", 3},
	} {
		if err := s.Set(step.key, []byte(step.value), step.cas); !errors.Is(err, step.want) {
			t.Errorf("%s: %v, want %v", step.name, err, step.want)
		}
		wantItem(t, s, step.key, step.after, step.afterCAS)
	}
}

func TestValuesAreCopies(t *testing.T) {
	s := memstore.New(nil)
	value := []byte("one")
	if err := s.Set("a", value, 0); err != nil {
		t.Fatal(err)
	}
	value[0] = 'X'
	wantItem(t, s, "a", "one", 1)
	got, _, err := s.Get("a")
	if err != nil {
		t.Fatal(err)
	}
	got[0] = 'Y'
	wantItem(t, s, "a", "one", 1)
	s.Dump()["a"][0] = 'Z'
	if diff := cmp.Diff(map[string][]byte{"a": []byte("one")}, s.Dump()); diff != "" {
		t.Errorf("dump (-want +got):\n%s", diff)
	}
}

func TestHookMakesOperationsFail(t *testing.T) {
	broken := errors.New("broken")
	var seen []string
	s := memstore.New(func(op memstore.Operation, key string) error {
		seen = append(seen, key)
		if op == memstore.Set {
			return broken
		}
		return nil
	})
	if err := s.Set("a", nil, 0); !errors.Is(err, broken) {
		t.Errorf("set: %v, want the hook's error", err)
	}
	if _, _, err := s.Get("a"); !errors.Is(err, sharedtable.ErrNotFound) {
		t.Errorf("get after a failed set: %v, want ErrNotFound", err)
	}
	if gets, sets := s.Calls(); gets != 1 || sets != 0 {
		t.Errorf("%d gets and %d sets reached the store, want 1 and 0", gets, sets)
	}
	if diff := cmp.Diff([]string{"a", "a"}, seen); diff != "" {
		t.Errorf("hook saw (-want +got):\n%s", diff)
	}
}
