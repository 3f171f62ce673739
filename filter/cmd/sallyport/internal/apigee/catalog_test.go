package apigee

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// FuzzReadCatalog: whatever an export holds, it is read or refused, and no error
// shows anything of it.
func FuzzReadCatalog(f *testing.F) {
	for _, s := range []string{
		`{"app":[{"name":"a","status":"approved","credentials":[{"consumerKey":"hunter2hunter2hunter2","expiresAt":"-1","apiProducts":[{"apiproduct":"p"}]}]}]}`,
		`{"name":"a","credentials":[{"consumerKey":7}]}`, `[{"consumerKey":"hunter2hunter2hunter2"}]`, `{"app":"hunter2hunter2hunter2"}`, `hunter2hunter2hunter2`, `{"app":[{"credentials":[{"expiresAt":"hunter2hunter2hunter2"}]}]}`, ``,
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		file := filepath.Join(t.TempDir(), "export.json")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		for _, names := range [][3]string{{file, "", ""}, {"", file, ""}, {"", "", file}} {
			_, err := ReadCatalog(names[0], names[1], names[2], time.Unix(1_800_000_000, 0))
			if err != nil && strings.Contains(err.Error(), "hunter2") {
				t.Fatalf("the error shows the key: %v", err)
			}
		}
	})
}
