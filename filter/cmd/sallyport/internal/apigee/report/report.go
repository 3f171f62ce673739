// Package report says what happened to each policy of a bundle, for people and
// for machines. It holds no secret, and no text of a policy that could be one.
package report

// Outcome is what happened to a policy or a part of a bundle.
type Outcome string

// The outcomes, worst last.
const (
	Carried Outcome = "carried over"
	Differs Outcome = "carried over with a difference"
	Dropped Outcome = "not carried over"
	Denies  Outcome = "not carried over: the API denies"
)

// Item is one policy at one place in a flow, or another part of the bundle.
type Item struct {
	Flow    string  `json:"flow"`
	Policy  string  `json:"policy"`
	Type    string  `json:"type"`
	File    string  `json:"file"`
	Line    int     `json:"line"`
	Outcome Outcome `json:"outcome"`
	// Detail says what the difference is, or why not.
	Detail string `json:"detail,omitempty"`
	// Instead says what does it where Sallyport does not.
	Instead string `json:"instead,omitempty"`
}

// Variable is an environment variable that has to be set.
type Variable struct {
	Name  string `json:"name"`
	Holds string `json:"holds"`
}

// Target is where Apigee sends requests.
type Target struct {
	Name    string `json:"name"`
	Address string `json:"address"`
	Detail  string `json:"detail"`
}

// Fit is the verdict on a proxy.
type Fit string

// The verdicts.
const (
	Complete  Fit = "carried over"
	Different Fit = "carried over with differences"
	Partly    Fit = "denies some requests until they are dealt with"
	Closed    Fit = "denies every request until it is dealt with"
	Refused   Fit = "refused: nothing was written"
)

// Proxy is the report of one proxy.
type Proxy struct {
	Name      string     `json:"name"`
	Bundle    string     `json:"bundle"`
	Config    string     `json:"config,omitempty"` // the file that was written
	Verdict   Fit        `json:"verdict"`
	Summary   string     `json:"summary"`
	Items     []Item     `json:"items"`
	Variables []Variable `json:"variables"`
	Targets   []Target   `json:"targets"`
	Problems  []string   `json:"problems"` // why it was refused, file:line: message
	Next      []string   `json:"next"`     // what is left to do, in order
}

// Count gives how many items have the outcome.
func (p *Proxy) Count(o Outcome) (n int) {
	for _, item := range p.Items {
		if item.Outcome == o {
			n++
		}
	}
	return n
}
