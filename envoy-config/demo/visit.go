package demo

import (
	"slices"
	"sync"
	"time"
)

// maxVisits bounds what the page Trace remembers: the oldest go.
const maxVisits = 400

// maxVisitText bounds what a visit keeps of the method and of the path, which a client can make as long as it likes.
const maxVisitText = 256

// visit is one request to the gateway as the page Trace shows it. It has no query, no header and no body: that is where
// keys and tokens are. Everything in a path is shown.
type visit struct {
	ID       int       `json:"id"`
	At       time.Time `json:"at"`
	Method   string    `json:"method"`
	Path     string    `json:"path"`
	Status   int       `json:"status"`
	Took     float64   `json:"took_ms"`
	Reason   string    `json:"reason,omitempty"`
	App      string    `json:"app,omitempty"`
	Product  string    `json:"product,omitempty"`
	API      string    `json:"api,omitempty"`
	Version  string    `json:"version,omitempty"`
	Decision string    `json:"decision"`
	Doors    []door    `json:"doors"`
	// Left is what the limits have left for the client, as a RateLimit header has it; "" where the host does not report
	// it.
	Left string `json:"left,omitempty"`
	// Hostcalls is how many the filter made for it, and Calls which; -1 and none where the host does not report them.
	Hostcalls int      `json:"hostcalls"`
	Calls     []string `json:"calls,omitempty"`
}

// attributes copies what the filter told the host about the request into the visit.
func (v *visit) attributes(of func(name string) string) {
	v.Decision, v.Reason = of("decision"), of("reason")
	v.App, v.Product, v.API, v.Version = of("app"), of("product"), of("api"), of("version")
}

// visits are the gateway's latest visits. The zero value is ready for use.
type visits struct {
	mu    sync.Mutex
	last  int
	kept  []visit
	chart timeline
}

func (b *visits) add(v visit) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.last++
	v.ID = b.last
	b.chart.add(v)
	v.Method, v.Path = v.Method[:min(len(v.Method), maxVisitText)], v.Path[:min(len(v.Path), maxVisitText)]
	if len(b.kept) == maxVisits {
		b.kept = slices.Delete(b.kept, 0, 1)
	}
	b.kept = append(b.kept, v)
}

// after are the visits with a larger id, the oldest first.
func (b *visits) after(id int) []visit {
	b.mu.Lock()
	defer b.mu.Unlock()
	at := slices.IndexFunc(b.kept, func(v visit) bool { return v.ID > id })
	if at < 0 {
		return []visit{}
	}
	return slices.Clone(b.kept[at:])
}
