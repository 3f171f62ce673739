package command

import "github.com/sallyport-gateway/sallyport/hostsim/cmd/hostsim/internal/junit"

// sessionDocument is the JSON document of test.
type sessionDocument struct {
	Driver    string           `json:"driver"`
	Passed    int              `json:"passed"`
	Failed    int              `json:"failed"`
	Skipped   int              `json:"skipped"`
	Seconds   float64          `json:"seconds"`
	Scenarios []resultDocument `json:"scenarios"`
}

type resultDocument struct {
	Name    string  `json:"name"`
	File    string  `json:"file"`
	Says    string  `json:"says"`   // the sentence at the top of the file
	Result  string  `json:"result"` // pass, fail, error, skip
	Seconds float64 `json:"seconds"`
	Message string  `json:"message,omitempty"`
	Report  string  `json:"report,omitempty"`
}

var resultWords = map[junit.Outcome]string{junit.Passed: "pass", junit.Failed: "fail", junit.Broken: "error", junit.Skipped: "skip"}

func (s *session) document() sessionDocument {
	n := s.counts()
	d := sessionDocument{Driver: s.driver.Name(), Passed: n[junit.Passed], Failed: n[junit.Failed] + n[junit.Broken],
		Skipped: n[junit.Skipped], Seconds: s.took.Seconds(), Scenarios: []resultDocument{}}
	for _, r := range s.results {
		d.Scenarios = append(d.Scenarios, resultDocument{r.file.Name, r.file.Path, r.file.Doc, resultWords[r.outcome],
			r.took.Seconds(), r.message, r.report})
	}
	return d
}
