package report

import (
	_ "embed"
	"html/template"
	"io"
	"strconv"
	"strings"
)

//go:embed report.html
var page string

var parsed = template.Must(template.New("report").Funcs(template.FuncMap{
	"class":  func(o Outcome) string { return classes[o] },
	"word":   func(o Outcome) string { return words[o] },
	"color":  func(v Fit) string { return colors[v] },
	"base":   func(s string) string { return s[strings.LastIndexByte(s, '/')+1:] },
	"counts": counts,
	"anchor": func(n int) string { return "proxy-" + strconv.Itoa(n+1) },
}).Parse(page))

var (
	classes = map[Outcome]string{Carried: "good", Differs: "fair", Dropped: "plain", Denies: "bad"}
	words   = map[Outcome]string{Carried: "Carried over", Differs: "With a difference", Dropped: "Not carried over", Denies: "Denies"}
	colors  = map[Fit]string{Complete: "good", Different: "fair", Partly: "bad", Closed: "bad", Refused: "bad"}
)

type count struct {
	Word, Class string
	N           int
}

func counts(p Proxy) (list []count) {
	for _, o := range []Outcome{Carried, Differs, Dropped, Denies} {
		list = append(list, count{words[o], classes[o], p.Count(o)})
	}
	return list
}

// HTML writes a self-contained page: no script, nothing from elsewhere.
func HTML(w io.Writer, proxies []Proxy) error { return parsed.Execute(w, proxies) }
