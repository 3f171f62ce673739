package apikey

import (
	"regexp"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestMintedKeysAreWholeAndDiffer(t *testing.T) {
	pattern := regexp.MustCompile("^" + Pattern + "$")
	seen := map[string]bool{}
	for range 1000 {
		k := Mint()
		if !pattern.MatchString(k) || Check(k) != nil {
			t.Fatalf("minted %q: %v", k, Check(k))
		}
		if seen[k] {
			t.Fatal("minted one key twice")
		}
		seen[k] = true
	}
}

// Every single wrong, missing or doubled character is found: CRC-32 sees all bursts up to 32 bits.
func TestATypingErrorIsFound(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		k := Mint()
		i := rapid.IntRange(len(Prefix), len(k)-1).Draw(t, "position")
		c := digits[rapid.IntRange(0, len(digits)-1).Draw(t, "character")]
		for what, wrong := range map[string]string{
			"changed": k[:i] + string(c) + k[i+1:],
			"missing": k[:i] + k[i+1:],
			"doubled": k[:i] + k[i:i+1] + k[i:],
		} {
			if wrong != k && Check(wrong) == nil {
				t.Errorf("a key with a %s character passed", what)
			}
		}
	})
}

func TestCheckForeignKeys(t *testing.T) {
	for key, good := range map[string]bool{
		"0123456789abcdef":            true,
		"0123456789abcde":             false,
		strings.Repeat("x", 512):      true,
		strings.Repeat("x", 513):      false,
		"0123456789 abcdef":           false,
		"0123456789abcdef\n":          false,
		"0123456789abcdéf":            false,
		"slyp_" + "0123456789abcdef":  false,
		"":                            false,
		"SLYP_0123456789abcdef-other": true,
	} {
		err := Check(key)
		if (err == nil) != good {
			t.Errorf("%q: %v", key, err)
		}
		if err != nil && len(key) > 5 && strings.Contains(err.Error(), key) {
			t.Errorf("the error shows the key: %v", err)
		}
	}
}

func TestSHA256IsThatOfTheText(t *testing.T) {
	if got := SHA256("abc"); got != "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" {
		t.Errorf("got %s (FIPS 180-2 appendix B.1)", got)
	}
}
