package scenario

import (
	"os"
	"testing"
)

// A folder within a set is played as a file of it is: with the base that lies
// above it.
func TestLoadFolderBelowItsBase(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.MkdirAll("set/part", 0o700); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"set/base.yaml":    "a: 1\n",
		"set/part/x.txtar": "Doc.\n-- request --\nGET / HTTP/1.1\nhost: a\n-- response --\n200\n",
	} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, path := range []string{"set", "set/part", "set/part/x.txtar"} {
		files, err := Load(path)
		if err != nil || len(files) != 1 {
			t.Errorf("%s: %d files, %v", path, len(files), err)
		}
	}
}
