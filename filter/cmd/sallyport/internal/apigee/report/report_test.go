package report

import (
	"bytes"
	"strings"
	"testing"

	"golang.org/x/net/html"
)

const hostile = `<script>alert(1)</script><img src=x onerror=alert(1)>"'` + "\x00\u202e"

// TestHTMLStandsByItself: no script, nothing from elsewhere, and foreign text is
// text, wherever it stands.
func TestHTMLStandsByItself(t *testing.T) {
	p := Proxy{
		Name: hostile, Bundle: hostile, Config: hostile, Verdict: Partly, Summary: hostile, Problems: []string{hostile}, Next: []string{hostile},
		Items:     []Item{{Flow: hostile, Policy: hostile, Type: hostile, File: hostile, Line: 1, Outcome: Denies, Detail: hostile, Instead: hostile}},
		Variables: []Variable{{hostile, hostile}}, Targets: []Target{{hostile, hostile, hostile}},
	}
	var page bytes.Buffer
	if err := HTML(&page, []Proxy{p, p}); err != nil {
		t.Fatal(err)
	}
	root, err := html.Parse(bytes.NewReader(page.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for n := range root.Descendants() {
		if n.Type == html.TextNode && strings.Contains(n.Data, "<script>alert(1)</script>") {
			seen++
		}
		if n.Type != html.ElementNode {
			continue
		}
		switch n.Data {
		case "script", "img", "iframe", "link", "object", "embed", "form", "base":
			t.Errorf("the page has a %s", n.Data)
		}
		for _, a := range n.Attr {
			if strings.HasPrefix(a.Key, "on") || a.Key == "src" || a.Key == "href" && !strings.HasPrefix(a.Val, "#") {
				t.Errorf("%s has %s=%q", n.Data, a.Key, a.Val)
			}
		}
	}
	if seen < 20 {
		t.Errorf("foreign text stands in %d places, want all of them", seen)
	}
	for _, want := range []string{"<html lang=\"en\">", "prefers-color-scheme: dark", "default-src 'none'", "<caption", "scope=\"col\""} {
		if !strings.Contains(page.String(), want) {
			t.Errorf("the page lacks %s", want)
		}
	}
}
