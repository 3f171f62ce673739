package jose

import (
	"bytes"
	"crypto/elliptic"
	"crypto/rand"
	"math/big"
	"testing"

	"filippo.io/nistec"
)

func TestCombineIsTheSumOfTheProducts(t *testing.T) {
	number := func(hex string) []byte {
		n, ok := new(big.Int).SetString(hex, 16)
		if !ok {
			t.Fatal(hex)
		}
		return n.FillBytes(make([]byte, coordinateSize))
	}
	random := func() []byte {
		b := make([]byte, coordinateSize)
		if _, err := rand.Read(b); err != nil {
			t.Fatal(err)
		}
		b[0] &= 0x7f // below the order
		return b
	}
	last := new(big.Int).Sub(elliptic.P256().Params().N, big.NewInt(1)).Text(16)
	scalars := [][]byte{number("0"), number("1"), number("2"), number("f"), number("10"), number("11"), number("1f"), number("20"), number(last), random(), random(), random()}
	d := random()
	q, err := nistec.NewP256Point().ScalarBaseMult(d)
	if err != nil {
		t.Fatal(err)
	}
	for _, u1 := range scalars {
		for _, u2 := range scalars {
			p1, err1 := nistec.NewP256Point().ScalarBaseMult(u1)
			p2, err2 := nistec.NewP256Point().ScalarMult(q, u2)
			if err1 != nil || err2 != nil {
				t.Fatal(err1, err2)
			}
			if got, want := combine(u1, u2, q).Bytes(), p1.Add(p1, p2).Bytes(); !bytes.Equal(got, want) {
				t.Errorf("combine(%x, %x) = %x, want %x", u1, u2, got, want)
			}
		}
	}
}
