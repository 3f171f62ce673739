package hostsim

import "testing"

func TestJournal(t *testing.T) {
	var j journal[int]
	if got := j.from(0); got != nil || j.end() != 0 {
		t.Errorf("empty: %v, end %d", got, j.end())
	}
	const added = journalBlock*journalBlocks + 2*journalBlock + 5
	for i := range added {
		if at := j.add(i); at != i {
			t.Fatalf("entry %d came to position %d", i, at)
		}
	}
	kept := j.from(0)
	if j.end() != added || len(kept) > journalBlock*journalBlocks || len(kept) < journalBlock*(journalBlocks-1) {
		t.Errorf("end %d, %d entries kept", j.end(), len(kept))
	}
	for i, e := range kept {
		if want := added - len(kept) + i; e != want {
			t.Fatalf("kept entry %d is %d, want %d", i, e, want)
		}
	}
	for _, at := range []int{added - 1, added - 5, added - 6, added - journalBlock - 7} {
		if got := j.from(at); len(got) != added-at || got[0] != at {
			t.Errorf("from %d: %d entries", at, len(got))
		}
	}
	j.change(0, func(*int) { t.Error("an entry that is gone was changed") })
	j.change(added, func(*int) { t.Error("an entry that is not there was changed") })
	j.change(added-1, func(e *int) { *e = -1 })
	if got := j.from(added - 1); got[0] != -1 {
		t.Errorf("changed entry is %d", got[0])
	}
}
