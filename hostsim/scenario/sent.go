package scenario

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sallyport-gateway/sallyport/hostsim/scenario/internal/variables"
)

// Bounds of what a client does: a real one waits between the pieces of a body,
// and has a connection for each request.
const (
	maxPieces = 100
	maxTimes  = 1500
	maxGone   = time.Minute
)

// parseSent reads a request that a client sends. Lines "pieces: BYTES",
// "times: N" and "gone: DURATION" may stand before the request line.
func parseSent(s passage, p *problems) (sent Sent) {
	var pieces *passage
	for {
		line, rest, _ := strings.Cut(s.text, "\n")
		key, value, found := strings.Cut(line, ":")
		if !found || !slices.Contains(sentWords, key) {
			break
		}
		value = strings.TrimSpace(value)
		switch key {
		case "pieces":
			pieces = &passage{line: s.line, text: value}
		case "times":
			var err error
			if sent.Times, err = number(value, 1, maxTimes); err != nil {
				p.addf(s.line, "times: %v", err)
			}
		case "gone":
			sent.Gone = parseDuration(value, maxGone, s.line, p)
		}
		s = passage{line: s.line + 1, text: rest}
	}
	sent.Request = parseRequest(s, p)
	if pieces != nil {
		sent.Pieces = parsePieces(*pieces, len(sent.Body), p)
	}
	return sent
}

func parsePieces(s passage, length int, p *problems) int {
	n, err := strconv.Atoi(s.text)
	if err != nil || n < 1 || length/n > maxPieces {
		p.addf(s.line, "%s is not pieces: BYTES, from 1, at most %d pieces", quote("pieces: "+s.text), maxPieces)
		return 0
	}
	return n
}

var sentWords = []string{"pieces", "times", "gone"}

func newExchange(line, index int, list ...*asked) *exchange {
	return &exchange{line: line, index: index, asked: list, calls: map[string]*callsWant{}}
}

// begin notes a request that is not waited for at once.
func (r *reader) begin(a *asked, name string) {
	switch {
	case !variables.IsClusterName(name) || name[0] <= '9' && name[0] >= '0':
		r.addf(a.line-1, "section %s wants a name of a-z, 0-9, _ and - that does not begin with a digit", quote("request "+name))
	case r.named(name) != nil:
		r.addf(a.line-1, "second request %s while the one of line %d is under way: wait for it, or give this one another name", name, r.named(name).line)
	}
	a.Name = name
	r.underWay = append(r.underWay, a)
}

func (r *reader) named(name string) *asked { return named(r.underWay, name) }

func named(list []*asked, name string) *asked {
	for _, a := range list {
		if a.Name == name {
			return a
		}
	}
	return nil
}

// awaited are the requests that section wait names; without a name all that are
// under way.
func (r *reader) awaited(arg string, s passage) (list []*asked) {
	if strings.TrimSpace(s.text) != "" {
		r.addf(s.line, "section wait takes no text: write the names behind the word")
	}
	names := strings.Fields(arg)
	for _, a := range r.underWay {
		if len(names) == 0 || slices.Contains(names, a.Name) {
			list = append(list, a)
		}
	}
	for _, name := range names {
		if r.named(name) == nil {
			r.addf(s.line-1, "no request %s is under way: write a section request %s before", name, name)
		}
	}
	if len(list) == 0 && len(names) == 0 {
		r.addf(s.line-1, "no request is under way: give a request a name, such as request first")
	}
	r.underWay = slices.DeleteFunc(r.underWay, func(a *asked) bool { return slices.Contains(list, a) })
	return list
}

// message reads "response [NAME] [COUNT]" or "backend [NAME] [COUNT]".
func (r *reader) message(e *exchange, word, arg string, index int, s passage) {
	a, count, err := e.addressed(strings.Fields(arg))
	if err != nil {
		r.addf(s.line-1, "section %s: %v", strings.TrimSpace(word+" "+arg), err)
		return
	}
	if a.talk != nil {
		r.addf(s.line-1, "section %s describes a request: write what the ends of a connection see into its section, after %s", word, sightPrefix)
		return
	}
	before := 0
	switch word {
	case "response":
		before = len(a.responses)
		a.responses = append(a.responses, &responseWant{line: s.line, index: index, count: count, message: parseResponse(s, r.problems)})
	case "backend":
		before = len(a.backends)
		a.backends = append(a.backends, &requestWant{line: s.line, index: index, count: count, message: parseRequest(s, r.problems)})
	}
	if before > 0 && count == 0 {
		r.addf(s.line-1, "second section %s for the request of line %d: keep one, or say of each how many there are, as in %s 3", word, a.line, word)
	}
}

// addressed is the request that the arguments of a section name, and the count
// behind it, 0 for none.
func (e *exchange) addressed(words []string) (a *asked, count int, err error) {
	if n := len(words); n > 0 {
		if number, err := strconv.Atoi(words[n-1]); err == nil {
			if number < 1 || number > maxTimes {
				return nil, 0, fmt.Errorf("%d is not a number from 1 to %d", number, maxTimes)
			}
			count, words = number, words[:n-1]
		}
	}
	switch {
	case len(words) == 0 && len(e.asked) == 1:
		return e.asked[0], count, nil
	case len(words) == 1 && named(e.asked, words[0]) != nil:
		return named(e.asked, words[0]), count, nil
	case len(e.asked) == 1 && e.asked[0].Name == "":
		return nil, 0, fmt.Errorf("the request has no name: write the word alone, or a number behind it")
	}
	names := make([]string, len(e.asked))
	for i, a := range e.asked {
		names[i] = a.Name
	}
	return nil, 0, fmt.Errorf("say of which request, one of %s", strings.Join(names, ", "))
}

// checkResponses holds that all requests are accounted for.
func (r *reader) checkResponses(a *asked) {
	sum := 0
	for _, w := range a.responses {
		if w.count == 0 {
			w.count = a.times()
		}
		sum += w.count
	}
	for _, w := range a.backends {
		if w.count == 0 {
			w.count = a.times()
		}
	}
	switch {
	case a.Gone > 0 && sum > 0:
		r.addf(a.responses[0].line-1, "the client of the request of line %d leaves without a response: remove the section, or the line gone", a.line)
	case a.Gone > 0 || a.talk != nil:
	case sum == 0 && a.Name != "":
		r.addf(a.line-1, "request %s has no response section: write what the client gets", a.Name)
	case sum == 0:
		r.addf(a.line-1, "request has no response section: write what the client gets")
	case sum != a.times():
		r.addf(a.line-1, "request is sent %d times and has %d responses: write the number of each, as in response 3", a.times(), sum)
	}
}
