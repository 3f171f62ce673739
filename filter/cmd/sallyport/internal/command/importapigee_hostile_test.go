package command

import (
	"archive/zip"
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

// What a hostile bundle may cost, until it is refused.
const (
	hostileTime   = 2 * time.Second
	hostileMemory = 200 << 20
)

// entry is a file of an archive, of so many times a text.
type entry struct {
	name, text string
	times      int
	mode       fs.FileMode
}

func archiveOf(t testing.TB, entries ...entry) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "hostile.zip")
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z := zip.NewWriter(f)
	for _, e := range entries {
		h := &zip.FileHeader{Name: e.name, Method: zip.Deflate}
		if e.mode != 0 {
			h.SetMode(e.mode)
		}
		w, err := z.CreateHeader(h)
		if err != nil {
			t.Fatal(err)
		}
		for range max(e.times, 1) {
			if _, err := io.WriteString(w, e.text); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return name
}

const plainEndpoint = `<ProxyEndpoint name="default"><PreFlow><Request><Step><Name>P</Name></Step></Request></PreFlow><RouteRule name="r"><TargetEndpoint>t</TargetEndpoint></RouteRule></ProxyEndpoint>`

// TestApigeeHostile: each is refused, within time and memory, and the figures are
// printed.
func TestApigeeHostile(t *testing.T) {
	megabyte := strings.Repeat("<A>x</A>", 1<<17)
	endpoint := entry{name: "apiproxy/proxies/default.xml", text: plainEndpoint}
	many := []entry{endpoint}
	for i := range 60_000 {
		many = append(many, entry{name: fmt.Sprintf("apiproxy/resources/jsc/%d.js", i)})
	}
	policies := []entry{endpoint}
	for i := range 5_100 {
		policies = append(policies, entry{name: fmt.Sprintf("apiproxy/policies/%d.xml", i), text: "<A/>"})
	}
	wide := []entry{endpoint}
	for i := range 40 {
		wide = append(wide, entry{name: fmt.Sprintf("apiproxy/policies/%d.xml", i), text: megabyte})
	}
	small := []entry{endpoint}
	for i := range 150 {
		small = append(small, entry{name: fmt.Sprintf("apiproxy/policies/%d.xml", i), text: "<R>" + strings.Repeat("<A/>", 49_000) + "</R>"})
	}
	var circle []entry
	circle = append(circle, endpoint, entry{name: "apiproxy/policies/P.xml", text: `<FlowCallout name="P"><SharedFlowBundle>f0</SharedFlowBundle></FlowCallout>`})
	var fan []entry
	fan = append(fan, circle...)
	for i := range 12 {
		step := `<Step><Name>FC</Name></Step>`
		call := fmt.Sprintf(`<FlowCallout name="FC"><SharedFlowBundle>f%d</SharedFlowBundle></FlowCallout>`, (i+1)%12)
		circle = append(circle, shared(i, step, call)...)
		fan = append(fan, shared(i, strings.Repeat(step, 10), strings.Replace(call, "f0<", "none<", 1))...)
	}
	tests := map[string]struct{ file, want string }{
		"a file of 100 MB":             {archiveOf(t, endpoint, entry{name: "apiproxy/policies/P.xml", text: megabyte, times: 100}), "has more than 2097152 bytes"},
		"many files of a megabyte":     {archiveOf(t, wide...), "have more than 33554432 bytes together"},
		"many files":                   {archiveOf(t, many...), "more than 50000 files"},
		"many policies":                {archiveOf(t, policies...), "more than 5000 XML files"},
		"a path that leaves":           {archiveOf(t, endpoint, entry{name: "../../etc/cron.d/apiproxy/policies/P.xml", text: "<A/>"}), "leaves the bundle"},
		"a path from the root":         {archiveOf(t, endpoint, entry{name: "/apiproxy/policies/P.xml", text: "<A/>"}), "leaves the bundle"},
		"a path of Windows":            {archiveOf(t, endpoint, entry{name: `apiproxy\policies\..\..\P.xml`, text: "<A/>"}), "leaves the bundle"},
		"a link":                       {archiveOf(t, endpoint, entry{name: "apiproxy/policies/P.xml", text: "/etc/passwd", mode: fs.ModeSymlink | 0o777}), "a symbolic link"},
		"two files of one name":        {archiveOf(t, endpoint, entry{name: "apiproxy/policies/P.xml", text: "<A/>"}, entry{name: "apiproxy/policies/p.xml", text: "<A/>"}), "in the archive twice"},
		"a billion laughs":             {archiveOf(t, endpoint, entry{name: "apiproxy/policies/P.xml", text: laughs()}), "a DOCTYPE or another directive"},
		"an external entity":           {archiveOf(t, endpoint, entry{name: "apiproxy/policies/P.xml", text: `<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><A>&x;</A>`}), "a DOCTYPE or another directive"},
		"elements without end":         {archiveOf(t, endpoint, entry{name: "apiproxy/policies/P.xml", text: strings.Repeat("<A>", 500_000)}), "nested deeper than 64"},
		"many elements":                {archiveOf(t, endpoint, entry{name: "apiproxy/policies/P.xml", text: "<R>" + megabyte + "</R>"}), "more than 50000 elements"},
		"many elements in many files":  {archiveOf(t, small...), "more than 400000 elements in all bundles"},
		"many attributes":              {archiveOf(t, endpoint, entry{name: "apiproxy/policies/P.xml", text: "<R " + strings.Repeat(`a="" `, 300_000) + "/>"}), "more than 64 attributes"},
		"a condition without end":      {archiveOf(t, entry{name: endpoint.name, text: strings.Replace(plainEndpoint, "</Name>", "</Name><Condition>"+strings.Repeat("(", 1_000_000)+"</Condition>", 1)}), "but the bundle has no file for it"},
		"shared flows in a circle":     {archiveOf(t, circle...), "calls itself"},
		"shared flows that fan out":    {archiveOf(t, fan...), "more than 2000 steps"},
		"no zip file":                  {archiveOf(t), "no Apigee bundle"},
		"a zip file within a zip file": {archiveOf(t, entry{name: "apiproxy.zip", text: "PK"}), "no Apigee bundle"},
	}
	garbage := filepath.Join(t.TempDir(), "garbage.zip")
	if err := os.WriteFile(garbage, bytes.Repeat([]byte("PK\x03\x04"), 1000), 0o600); err != nil {
		t.Fatal(err)
	}
	tests["garbage"] = struct{ file, want string }{garbage, "not a zip file"}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			began := time.Now()
			var stdout, stderr bytes.Buffer
			out := t.TempDir()
			code := Main([]string{"import", "apigee", tt.file, "--out", out}, nil, &stdout, &stderr)
			took := time.Since(began)
			runtime.ReadMemStats(&after)
			allocated := after.TotalAlloc - before.TotalAlloc
			t.Logf("%s, %d MiB allocated in all", took.Round(time.Millisecond), allocated>>20)
			if said := stdout.String() + stderr.String(); code == exitOK || !strings.Contains(said, tt.want) {
				t.Errorf("exit code %d, said %.300q, want %q", code, said, tt.want)
			}
			if configs, _ := filepath.Glob(filepath.Join(out, "*.yaml")); len(configs) > 0 {
				t.Errorf("%v was written", configs)
			}
			if took > hostileTime || allocated > hostileMemory {
				t.Errorf("took %s and %d bytes", took, allocated)
			}
		})
	}
}

func shared(i int, steps, call string) []entry {
	root := fmt.Sprintf("f%d/sharedflowbundle/", i)
	return []entry{
		{name: fmt.Sprintf("%sf%d.xml", root, i), text: fmt.Sprintf(`<SharedFlowBundle name="f%d"/>`, i)},
		{name: root + "sharedflows/default.xml", text: "<SharedFlow>" + steps + "</SharedFlow>"},
		{name: root + "policies/FC.xml", text: call},
	}
}

func laughs() string {
	var b strings.Builder
	b.WriteString(`<!DOCTYPE l [<!ENTITY l0 "ha">`)
	for i := range 30 {
		fmt.Fprintf(&b, `<!ENTITY l%d "&l%d;&l%d;">`, i+1, i, i)
	}
	b.WriteString(`]><A>&l30;</A>`)
	return b.String()
}
