// Package josetest signs tokens for tests, with a different library from the one under test.
package josetest

import (
	"testing"

	"github.com/go-jose/go-jose/v4"
)

// Sign makes a token in compact serialization. o may be nil.
func Sign(t testing.TB, key jose.SigningKey, o *jose.SignerOptions, payload []byte) string {
	t.Helper()
	signer, err := jose.NewSigner(key, o)
	if err != nil {
		t.Fatal(err)
	}
	signed, err := signer.Sign(payload)
	if err != nil {
		t.Fatal(err)
	}
	token, err := signed.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return token
}
