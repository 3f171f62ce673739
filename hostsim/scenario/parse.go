package scenario

import (
	"bytes"
	"path/filepath"
	"strings"
	"time"

	"github.com/sallyport-gateway/sallyport/hostsim/scenario/internal/variables"
	"golang.org/x/tools/txtar"
)

// Bounds of a file. A scenario is read by people; these only stop accidents.
const (
	maxFileSize = 256 << 10
	maxSections = 200
	maxAdvance  = 366 * 24 * time.Hour
)

// reader turns the sections of one file into a File.
type reader struct {
	*problems
	file     *File
	open     *exchange      // the exchange that result sections describe; nil before and after
	underWay []*asked       // begun and not waited for
	once     map[string]int // section name -> line, for those that may occur once
	static   map[string]int // cluster -> line of the section with its static fault
	answered map[string]int // cluster -> line of its last section
}

// Parse reads one scenario. The base is the text of the folder's base.yaml, nil
// when there is none. The error joins a *Problem for each fault.
func Parse(path string, data, base []byte) (*File, error) {
	r := &reader{
		problems: &problems{path: path},
		file: &File{
			Path:  path,
			setup: Setup{Env: map[string]string{}, Clusters: map[string]Answer{}, Upstream: DefaultUpstream()},
			skips: map[string]string{},
		},
		once: map[string]int{}, static: map[string]int{}, answered: map[string]int{},
	}
	r.file.rename(strings.TrimSuffix(filepath.Base(path), Extension))
	r.file.setup.config.Base = base
	if len(data) > maxFileSize {
		r.addf(1, "file has %d bytes, and may have %d: split it, or make bytes with ${repeat:N:TEXT}", len(data), maxFileSize)
		return nil, r.err()
	}
	if i := bytes.IndexByte(data, '\r'); i >= 0 {
		r.addf(1+bytes.Count(data[:i], []byte{'\n'}), "carriage return: end lines with a newline alone")
		return nil, r.err()
	}
	r.file.archive = txtar.Parse(data)
	r.sections()
	if len(r.list) == 0 {
		r.checkWhole()
		r.rehearse()
	}
	if err := r.err(); err != nil {
		return nil, err
	}
	r.file.settle()
	return r.file, nil
}

func (r *reader) sections() {
	a := r.file.archive
	r.file.Doc = strings.TrimSpace(string(a.Comment))
	if r.file.Doc == "" {
		r.addf(1, "no sentence on top: state the behaviour above the first section")
	}
	if len(a.Files) > maxSections {
		r.addf(1, "file has %d sections, and may have %d: split it", len(a.Files), maxSections)
		return
	}
	line := 1 + bytes.Count(a.Comment, []byte{'\n'})
	for i, s := range a.Files {
		r.section(s.Name, i, passage{line: line + 1, text: string(s.Data)})
		line += 1 + bytes.Count(s.Data, []byte{'\n'})
	}
	r.closeExchange()
	for _, a := range r.underWay {
		r.addf(a.line-1, "request %s is not waited for: write a section wait, with what comes of it", a.Name)
	}
}

const sectionWords = "env, settings, properties, plugin NAME before, config.yaml, config.patch.yaml, config.json, cluster NAME, upstream, hostcall NAME, request, request NAME, wait, connection, response, backend, calls NAME, metrics, log, hostcalls, actions, advance, config_error, skip DRIVER"

// section reads one section; s begins at its first line of content.
func (r *reader) section(name string, index int, s passage) {
	word, arg, _ := strings.Cut(name, " ")
	arg = strings.TrimSpace(arg)
	marker := s.line - 1
	switch word {
	case "cluster", "calls":
		if !variables.IsClusterName(arg) {
			r.addf(marker, "section %s wants a cluster's name of a-z, 0-9, _ and -", quote(name))
			return
		}
	case "plugin":
		r.closeExchange()
		r.plugin(arg, s)
		return
	case "config.yaml", "config.json":
		if arg != "" {
			r.closeExchange()
			r.pluginConfig(word, arg, s)
			return
		}
	case "hostcall":
		if !isHostcallName(arg) {
			r.addf(marker, "section %s wants a hostcall's name, such as proxy_get_property", quote(name))
			return
		}
	case "request", "wait", "response", "backend": // they read their arguments themselves
	case "skip":
		if arg == "" {
			r.addf(marker, "section skip wants a driver's name")
			return
		}
	default:
		if arg != "" {
			r.addf(marker, "section %s takes no argument: write %s", quote(name), quote(word))
			return
		}
	}
	switch word {
	case "settings", "properties", "env", "config.yaml", "config.patch.yaml", "config.json", "config_error":
		if first, again := r.once[word]; again {
			r.addf(marker, "second section %s, the first is at line %d: join them", word, first)
			return
		}
		r.once[word] = marker
	}
	switch word {
	case "hostcalls":
		r.hostcalls(index, s)
	case "response", "backend", "calls", "metrics", "log", "actions":
		r.outcome(word, arg, index, s)
	case "cluster", "upstream", "hostcall", "advance", "request", "wait", "connection":
		r.closeExchange()
		r.happening(word, arg, index, s)
	default:
		r.closeExchange()
		r.setting(word, arg, s)
	}
}

// setting reads a section that holds for the whole file.
func (r *reader) setting(word, arg string, s passage) {
	f := r.file
	switch word {
	case "settings":
		f.setup.Settings = parseSettings(s, r.problems)
	case "properties":
		f.setup.Properties = parseProperties(s, r.problems)
	case "env":
		f.setup.Env = parseEnv(s, r.problems)
	case "config.yaml":
		f.setup.config.Whole = []byte(s.text)
	case "config.patch.yaml":
		f.setup.config.Patch = []byte(s.text)
	case "config.json":
		// The newline that ends the section is txtar's, not the document's.
		f.setup.config.Raw = []byte(strings.TrimSuffix(s.text, "\n"))
	case "config_error":
		f.configError = parseLog(s, r.problems)
	case "skip":
		reason := strings.TrimSpace(s.text)
		if reason == "" {
			r.addf(s.line-1, "section skip %s has no reason: say why that driver cannot run this", arg)
		}
		f.skips[arg] = reason
	default:
		r.addf(s.line-1, "unknown section %s: write one of %s", quote(word), sectionWords)
	}
}

// happening reads a section at whose place in the file something happens.
func (r *reader) happening(word, arg string, index int, s passage) {
	st := step{line: s.line}
	switch word {
	case "cluster":
		a := parseAnswer(s, r.problems)
		r.checkStatic(arg, a, s.line-1)
		st.cluster = &clusterStep{name: arg, answer: a}
	case "upstream":
		a := parseAnswer(s, r.problems)
		if a.GRPC {
			r.addf(s.line, "the backend answers over HTTP alone: write %s STATUS", httpVersion)
		}
		st.upstream = &a
	case "hostcall":
		st.hostcall = parseHostcall(arg, s, r.problems)
	case "advance":
		st.advance = parseDuration(strings.TrimSpace(s.text), maxAdvance, s.line, r.problems)
	case "request":
		a := &asked{Sent: parseSent(s, r.problems), line: s.line}
		if !hasHeader(a.Headers, "host") {
			r.addf(s.line, "request has no host header: write one, such as host: api.example.com")
		}
		if arg != "" {
			r.begin(a, arg)
			st.begin = a
			break
		}
		st.exchange = newExchange(s.line, index, a)
		r.open = st.exchange
	case "connection":
		st.exchange = newExchange(s.line, index, &asked{talk: parseConversation(s, r.problems), line: s.line})
		r.open = st.exchange
	case "wait":
		st.exchange = newExchange(s.line, index, r.awaited(arg, s)...)
		r.open = st.exchange
	}
	r.file.steps = append(r.file.steps, st)
}

// checkStatic holds the rule that a cluster with a static fault has no other answer.
func (r *reader) checkStatic(name string, a Answer, line int) {
	if first, ok := r.static[name]; ok {
		r.addf(line, "cluster %s has the fault of line %d for the whole file: remove this section, or give it another name", name, first)
	}
	if a.Fault.Static() {
		if first, ok := r.answered[name]; ok {
			r.addf(line, "fault %s holds for the whole file, and cluster %s answers otherwise at line %d: give it another name", a.Fault, name, first)
		}
		r.static[name] = line
	}
	r.answered[name] = line
}

func (r *reader) closeExchange() {
	if r.open != nil {
		for _, a := range r.open.asked {
			r.checkResponses(a)
		}
	}
	r.open = nil
}

func parseEnv(s passage, p *problems) map[string]string {
	env := map[string]string{}
	for i, line := range lines(s.text) {
		name, value, ok := strings.Cut(line, "=")
		if !ok || name == "" {
			p.addf(s.line+i, "environment line %s is not NAME=value", quote(line))
			continue
		}
		if _, again := env[name]; again {
			p.addf(s.line+i, "second value for %s: keep one", name)
		}
		env[name] = value
	}
	return env
}

// lines cuts a section into lines, without the empty ones at its end.
func lines(text string) []string {
	text = strings.TrimRight(text, "\n")
	if text == "" {
		return nil
	}
	return strings.Split(text, "\n")
}

func hasHeader(headers []Header, name string) bool {
	for _, h := range headers {
		if strings.EqualFold(h.Name, name) {
			return true
		}
	}
	return false
}
