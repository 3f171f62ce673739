package wasmhost

import "testing"

func TestJournal(t *testing.T) {
	var j Journal[int]
	if got := j.From(0); got != nil || j.End() != 0 {
		t.Errorf("empty: %v, end %d", got, j.End())
	}
	const added = journalBlock*journalBlocks + 2*journalBlock + 5
	for i := range added {
		if at := j.Add(i); at != i {
			t.Fatalf("entry %d came to position %d", i, at)
		}
	}
	kept := j.From(0)
	if j.End() != added || len(kept) > journalBlock*journalBlocks || len(kept) < journalBlock*(journalBlocks-1) {
		t.Errorf("end %d, %d entries kept", j.End(), len(kept))
	}
	for i, e := range kept {
		if want := added - len(kept) + i; e != want {
			t.Fatalf("kept entry %d is %d, want %d", i, e, want)
		}
	}
	for _, at := range []int{added - 1, added - 5, added - 6, added - journalBlock - 7} {
		if got := j.From(at); len(got) != added-at || got[0] != at {
			t.Errorf("from %d: %d entries", at, len(got))
		}
	}
	j.change(0, func(*int) { t.Error("an entry that is gone was changed") })
	j.change(added, func(*int) { t.Error("an entry that is not there was changed") })
	j.change(added-1, func(e *int) { *e = -1 })
	if got := j.From(added - 1); got[0] != -1 {
		t.Errorf("changed entry is %d", got[0])
	}
}
