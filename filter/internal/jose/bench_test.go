package jose

import (
	"crypto"
	"testing"
)

func BenchmarkVerify(b *testing.B) {
	for name, key := range map[string]crypto.Signer{"RS256": rsa2048(), "ES256": p256()} {
		private := privateOf(b, key)
		m, err := Parse(must(private.Sign("k1", "", make([]byte, 450), nil)))
		if err != nil {
			b.Fatal(err)
		}
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if !private.Public().Verify(m, nil) {
					b.Fatal("refused")
				}
			}
		})
	}
}

func BenchmarkSign(b *testing.B) {
	for name, key := range map[string]crypto.Signer{"RS256": rsa2048(), "ES256": p256()} {
		private := privateOf(b, key)
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if _, err := private.Sign("k1", "", make([]byte, 200), nil); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
