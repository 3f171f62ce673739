package demo

import (
	"context"
	"embed"
	"encoding/json"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"strconv"
	"time"

	"github.com/sallyport-gateway/sallyport/hostsim/okta"
)

//go:embed layout.html trace.html trace.js usage.html usage.js chart.js faults.html troubleshooting.html
var consoleFiles embed.FS

// pageOf is a page in the layout that all pages have.
func pageOf(files fs.FS, file string) *template.Template {
	return template.Must(template.Must(template.ParseFS(consoleFiles, "layout.html")).ParseFS(files, file))
}

var consolePages = map[string]*template.Template{
	"trace":           pageOf(consoleFiles, "trace.html"),
	"usage":           pageOf(consoleFiles, "usage.html"),
	"faults":          pageOf(consoleFiles, "faults.html"),
	"troubleshooting": pageOf(consoleFiles, "troubleshooting.html"),
}

// console has the operator's pages: Trace, Usage and Faults.
type console struct {
	visits   *visits
	refresh  func()                                           // looks for visits that were not reported yet; may be nil
	series   func(context.Context) (map[string]uint64, error) // the filter's metrics, by the filter's own names
	burst    func(context.Context) (counts []statusCount, err error)
	faults   *faultSwitch
	steps    []string    // of the sequence
	versions [][2]string // of the APIs: name and version
	host     string
	began    time.Time // of the gateway's counters
}

// newConsole reads from the filter's configuration what doors and versions there are.
func newConsole(host string, config []byte, faults *okta.Faults) (*console, error) {
	c := &console{host: host, began: time.Now(), visits: &visits{}, faults: &faultSwitch{okta: faults}}
	var err error
	if c.steps, err = sequenceOf(config); err != nil {
		return nil, err
	}
	c.versions, err = versionsOf(config)
	return c, err
}

func (c *console) routes(mux *http.ServeMux) {
	mux.HandleFunc("GET /trace", func(w http.ResponseWriter, _ *http.Request) {
		renderConsole(w, consoleView{Page: "trace", Host: c.host})
	})
	mux.HandleFunc("GET /usage", func(w http.ResponseWriter, _ *http.Request) {
		renderConsole(w, consoleView{Page: "usage", Host: c.host, Periods: periods})
	})
	mux.HandleFunc("GET /troubleshooting", func(w http.ResponseWriter, _ *http.Request) {
		renderConsole(w, consoleView{Page: "troubleshooting", Host: c.host, Advice: adviceBySection()})
	})
	mux.HandleFunc("GET /faults", func(w http.ResponseWriter, _ *http.Request) { c.showFaults(w, consoleView{}) })
	mux.HandleFunc("GET /trace.json", c.serveTrace)
	mux.HandleFunc("GET /usage.json", c.serveUsage)
	mux.HandleFunc("POST /faults", c.serveFault)
	mux.HandleFunc("POST /faults/burst", c.serveBurst)
	for _, file := range []string{"trace.js", "usage.js", "chart.js"} {
		mux.Handle("GET /"+file, http.FileServerFS(consoleFiles))
	}
}

// consoleView is what the pages show without a script fetching it.
type consoleView struct {
	Page, Host string
	Switches   []oktaFault
	Now        oktaFault
	Burst      []statusCount
	Notice     string
	Problem    string
	Advice     []adviceSection
	Periods    []period
}

func renderConsole(w http.ResponseWriter, v consoleView) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_ = consolePages[v.Page].Execute(w, v) // an error means that the client has left
}

// traceAnswer is /trace.json: the visits with a larger id than ?after.
type traceAnswer struct {
	Visits []visit `json:"visits"`
}

func (c *console) serveTrace(w http.ResponseWriter, r *http.Request) {
	after, err := strconv.Atoi(r.URL.Query().Get("after"))
	if err != nil || after < 0 {
		after = 0
	}
	if c.refresh != nil {
		c.refresh()
	}
	answer(w, http.StatusOK, traceAnswer{Visits: c.visits.after(after)})
}

// usageAnswer is /usage.json.
type usageAnswer struct {
	Rows     []usageRow   `json:"rows"`
	Versions []retirement `json:"versions"`
	Timeline []slot       `json:"timeline"`
}

func (c *console) serveUsage(w http.ResponseWriter, r *http.Request) {
	if c.refresh != nil {
		c.refresh()
	}
	series, err := c.series(r.Context())
	if err != nil {
		answer(w, http.StatusBadGateway, map[string]string{"problem": "The gateway did not return its metrics."})
		return
	}
	rows, now := usageRows(series, c.visits.after(0)), time.Now()
	asked := seen{periodOf(r.URL.Query().Get("period")), now.Sub(c.began)}
	slots, last := c.visits.charted(now)
	answer(w, http.StatusOK, usageAnswer{Rows: rows, Versions: retirements(c.versions, rows, last, now, asked), Timeline: slots})
}

// versionsOf reads the versions of the APIs, in their order.
func versionsOf(config []byte) (versions [][2]string, err error) {
	var document struct {
		APIs []struct{ Name, Version string }
	}
	if err := json.Unmarshal(config, &document); err != nil {
		return nil, fmt.Errorf("read the APIs: %w", err)
	}
	for _, api := range document.APIs {
		versions = append(versions, [2]string{api.Name, api.Version})
	}
	return versions, nil
}
