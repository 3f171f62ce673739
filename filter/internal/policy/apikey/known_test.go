package apikey

import (
	"crypto/sha256"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/sallyport-gateway/sallyport/filter/internal/catalog"
	"github.com/sallyport-gateway/sallyport/filter/internal/denial"
	"github.com/sallyport-gateway/sallyport/filter/internal/host"
	"github.com/sallyport-gateway/sallyport/filter/internal/ipaddr"
	"github.com/sallyport-gateway/sallyport/filter/internal/pipeline"
	"github.com/sallyport-gateway/sallyport/filter/internal/pipeline/pipelinetest"
	"github.com/sallyport-gateway/sallyport/filter/internal/policy"
)

const second = int64(1e9)

// verifier is a step over apps with a key each; the text of a key is its id.
func verifier(t testing.TB, apps []catalog.App) *verify {
	t.Helper()
	for i := range apps {
		app := &apps[i]
		app.Status, app.Developer, app.Products = catalog.Approved, "dev@example.com", []string{"all"}
		if app.Keys == nil {
			app.Keys = []catalog.Key{{ID: app.Name, Status: catalog.Approved}}
		}
		for j := range app.Keys {
			app.Keys[j].SHA256 = sha256.Sum256([]byte(app.Keys[j].ID))
		}
	}
	c, problems := catalog.New([]catalog.API{{Name: "api", Version: "v1", BasePath: "/"}}, []catalog.Product{{Name: "all"}}, apps)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	return NewVerify(c, []policy.Place{{Header: "x-api-key"}}).(*verify)
}

// came says what became of a key: the app, or the reason.
func (v *verify) came(key, address string, now int64) string {
	x := &pipeline.Exchange{
		Method: "GET", Now: now, API: pipeline.API{Name: "api", Version: "v1", PathSuffix: "/"},
		Headers: []host.Header{{Name: "x-api-key", Value: key}}, Client: pipelinetest.From(address),
	}
	if d, denied := v.Apply(x).Denial(); denied {
		return d.Reason.String()
	}
	return x.Caller.App
}

func (v *verify) filled() (n int) {
	for _, s := range v.known.slots {
		if s.key != nil {
			n++
		}
	}
	return n
}

// Keys that differ in one byte, more than the table has room for, are never taken for each other, and what the catalog
// does not know gets no room.
func TestKnownKeysThatDifferInOneByte(t *testing.T) {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	var apps []catalog.App
	for at := range 64 {
		for _, c := range []byte(alphabet[1:]) {
			b := []byte(strings.Repeat("A", 80))
			b[8+at] = c
			apps = append(apps, catalog.App{Name: string(b)})
		}
	}
	v := verifier(t, apps)
	for _, stride := range []int{1, 1, 5, 4031, 0} {
		for i := range apps {
			n := i * stride % len(apps)
			if stride == 0 { // each three times in a row
				n = i / 3
			}
			if got := v.came(apps[n].Name, "", second); got != apps[n].Name {
				t.Fatalf("key %d is taken for %q", n, got)
			}
			if got := v.came(apps[n].Name+"x", "", second); got != denial.APIKeyUnknown.String() {
				t.Fatalf("a key that nobody has is taken for %q", got)
			}
		}
	}
	if len(v.known.slots) != maxKnown || v.filled() < maxKnown/2 {
		t.Errorf("%d of %d slots are in use", v.filled(), len(v.known.slots))
	}
}

// TestGarbageKeysFillNothing: neither a slot nor the memory for slots.
func TestGarbageKeysFillNothing(t *testing.T) {
	v := verifier(t, []catalog.App{{Name: "portal"}})
	for i := range 10_000 {
		v.came(fmt.Sprint("garbage", i), "", second)
	}
	if v.known.slots != nil {
		t.Fatal("garbage made slots")
	}
	v.came("portal", "", second)
	for i := range 10_000 {
		v.came(fmt.Sprint("garbage", i), "", second)
	}
	if v.filled() != 1 {
		t.Fatalf("%d slots are in use", v.filled())
	}
}

// TestUnknownKeysStayUnknown: keys that differ in one byte from each other and from one that is known, more than there is
// room for, in whatever order they come.
func TestUnknownKeysStayUnknown(t *testing.T) {
	v := verifier(t, []catalog.App{{Name: "portal-key"}})
	rapid.Check(t, func(t *rapid.T) {
		key := []byte("portal-key")
		key[rapid.IntRange(0, len(key)-1).Draw(t, "at")] = rapid.SampledFrom([]byte("abcdefghijklmnopqrstuvwxyz-")).Draw(t, "byte")
		want := denial.APIKeyUnknown.String()
		if string(key) == "portal-key" {
			want = "portal-key"
		}
		for range 2 {
			if got := v.came(string(key), "", second); got != want {
				t.Fatalf("%q: %s, want %s", key, got, want)
			}
		}
	})
	used := 0
	for _, sum := range v.known.nobodys {
		if sum != [2]uint64{} {
			used++
		}
	}
	if used < maxNobodys/2 {
		t.Errorf("%d of %d places for unknown keys are in use", used, maxNobodys)
	}
}

// A known key is as good as its app and the moment and the client are, each time, whatever came before.
func TestKnownKeysAreCheckedEachTime(t *testing.T) {
	inner, err := ipaddr.ParsePrefix("192.0.2.0/24")
	if err != nil {
		t.Fatal(err)
	}
	v := verifier(t, []catalog.App{
		{Name: "portal"},
		{Name: "inner", AllowedIPs: []ipaddr.Prefix{inner}},
		{Name: "old", Keys: []catalog.Key{{ID: "old", Status: catalog.Approved, Expires: 100}, {ID: "revoked", Status: catalog.Revoked}}},
	})
	rapid.Check(t, func(t *rapid.T) {
		key := rapid.SampledFrom([]string{"portal", "inner", "old", "revoked", "nobody"}).Draw(t, "key")
		address := rapid.SampledFrom([]string{"192.0.2.7", "198.51.100.7", ""}).Draw(t, "address")
		at := rapid.Int64Range(98, 102).Draw(t, "now")
		want := key
		switch {
		case key == "nobody":
			want = denial.APIKeyUnknown.String()
		case key == "revoked":
			want = denial.APIKeyNotApproved.String()
		case key == "old" && at >= 100:
			want = denial.APIKeyExpired.String()
		case key == "inner" && address != "192.0.2.7":
			want = denial.AppAddressNotAllowed.String()
		}
		if got := v.came(key, address, at*second); got != want {
			t.Fatalf("%s from %q at %d: %s, want %s", key, address, at, got, want)
		}
	})
}
