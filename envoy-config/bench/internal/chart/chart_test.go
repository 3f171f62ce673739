package chart

import (
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"
)

func TestSVG(t *testing.T) {
	svg := Chart{
		Title: "a <title>", Subtitle: "b & c", Unit: "µs",
		Sections: []Section{
			{"first", []Bar{{Name: "short", Value: 1}, {Name: "long", Value: 100, Low: 90, High: 110, Emphasis: true}}},
			{"second", []Bar{{Name: "below zero", Value: -3, Low: -5, High: -1}}},
		},
	}.SVG()
	d := xml.NewDecoder(strings.NewReader(svg))
	texts, bars := "", 0
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("not XML: %v\n%s", err, svg)
		}
		switch token := token.(type) {
		case xml.CharData:
			texts += string(token)
		case xml.StartElement:
			for _, a := range token.Attr {
				if a.Name.Local == "width" && strings.HasPrefix(a.Value, "-") {
					t.Errorf("a width of %s", a.Value)
				}
			}
			if token.Name.Local == "rect" {
				bars++
			}
		}
	}
	for _, want := range []string{"a <title>", "b & c", "100.0 µs", "-3.0 µs", "below zero", "prefers-color-scheme: dark"} {
		if !strings.Contains(texts, want) {
			t.Errorf("there is no %q", want)
		}
	}
	if bars != 4 { // and the page
		t.Errorf("%d rectangles", bars)
	}
}

func TestSVGWithoutBars(t *testing.T) {
	if svg := (Chart{Title: "nothing"}).SVG(); strings.Contains(svg, "NaN") || !strings.Contains(svg, "nothing") {
		t.Error(svg)
	}
}
