package config

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"strings"
	"testing"
)

// manyKeys is a configuration with so many apps of one key each.
func manyKeys(keys int) []byte {
	var b strings.Builder
	b.WriteString(`{"version":1,"apis":[{"name":"customers","version":"v1","base_path":"/customers/v1"}],` +
		`"products":[{"name":"portal","apis":[{"name":"customers","operations":[{"path":"/orders/**","methods":["GET"]}]}]}],"apps":[`)
	for i := range keys {
		if i > 0 {
			b.WriteByte(',')
		}
		n := strconv.Itoa(i)
		sum := sha256.Sum256([]byte(n))
		b.WriteString(`{"name":"app-` + n + `","developer":"team-` + n + `@example.com","products":["portal"],"keys":[{"id":"k-` + n +
			`","sha256":"` + hex.EncodeToString(sum[:]) + `","status":"approved","expires":"2027-05-01T00:00:00Z"}]}`)
	}
	b.WriteString(`],"sequence":[{"spike_arrest":{"rate":"200ps"}},{"verify_api_key":{"from":[{"header":"x-api-key"}]}},{"remove_api_key":{}}]}`)
	return []byte(b.String())
}

func benchmarkConfigure(b *testing.B, keys int) {
	data := manyKeys(keys)
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		if _, problems := Load(data, noEnv); len(problems) > 0 {
			b.Fatal(problems)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/1000/float64(b.N), "ms/configure")
}

func BenchmarkBudgetConfigure1000Keys(b *testing.B)  { benchmarkConfigure(b, 1000) }
func BenchmarkBudgetConfigure20000Keys(b *testing.B) { benchmarkConfigure(b, 20000) }

// BenchmarkBudgetConfigureManyProblems: a document of nothing but faults must
// not cost more than one without any.
func BenchmarkBudgetConfigureManyProblems(b *testing.B) {
	data := []byte(`{"version":1,"apis":[],"apps":[` + strings.TrimSuffix(strings.Repeat(`{"nmae":1,"keys":[{"x":1},{"x":2}]},`, 50000), ",") + `]}`)
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		if _, problems := Load(data, noEnv); len(problems) == 0 {
			b.Fatal("no problems")
		}
	}
}
