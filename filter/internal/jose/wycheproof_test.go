package jose

import (
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
)

// vectors is a file of Wycheproof, as far as it is read. A signature that is
// "acceptable" is one that only lenient checkers take; this one is not lenient.
type vectors struct {
	NumberOfTests int
	TestGroups    []struct {
		Key struct{ Uncompressed string } // of ECDSA
		N   string                        // of RSA
		E   string

		Tests []struct {
			TcID             int
			Comment          string
			Msg, Sig, Result string
		}
	}
}

func TestWycheproof(t *testing.T) {
	files, err := filepath.Glob("testdata/wycheproof/*_test.json")
	if err != nil || len(files) != 3 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			var v vectors
			if err := json.Unmarshal(text, &v); err != nil {
				t.Fatal(err)
			}
			count, good := 0, 0
			for _, group := range v.TestGroups {
				k := &PublicKey{}
				if group.N != "" {
					if group.E != "010001" { // a key that is refused before any signature
						jwk := `{"kty":"RSA","n":"` + Encode(stripped(unhex(t, group.N))) + `","e":"` + Encode(unhex(t, group.E)) + `"}`
						if _, err := ParsePublicKey([]byte(jwk)); err == nil {
							t.Errorf("a key with the exponent %s is taken", group.E)
						}
						count += len(group.Tests)
						continue
					}
					k.algorithm, k.modulus = RS256, stripped(unhex(t, group.N))
					k.spki = rsaSPKI(k.modulus)
				} else {
					k.algorithm = ES256
					if !k.setPoint(unhex(t, group.Key.Uncompressed)) {
						t.Fatalf("the point %s is refused", group.Key.Uncompressed)
					}
				}
				for _, c := range group.Tests {
					count++
					want := c.Result == "valid"
					if want {
						good++
					}
					m := &Message{Header: Header{Algorithm: k.algorithm}, SigningInput: string(unhex(t, c.Msg)), Signature: unhex(t, c.Sig)}
					if got := k.Verify(m, nil); got != want {
						t.Errorf("%d (%s): %v, want %v", c.TcID, c.Comment, got, want)
					}
					if got := k.Verify(m, hostOf(t)); got != want {
						t.Errorf("%d (%s), by the host: %v, want %v", c.TcID, c.Comment, got, want)
					}
				}
			}
			if count != v.NumberOfTests || good == 0 || good == count {
				t.Errorf("%d signatures, %d of them good; the file says %d", count, good, v.NumberOfTests)
			}
			t.Logf("%d signatures, %d of them good", count, good)
		})
	}
}

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func stripped(b []byte) []byte {
	for len(b) > 0 && b[0] == 0 {
		b = b[1:]
	}
	return b
}
