package catalog

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/sallyport-gateway/sallyport/filter/internal/decode"
)

const (
	// maxNameBytes bounds names: they become metric labels and header values.
	maxNameBytes = 128
	// maxDeveloperBytes is the longest e-mail address (RFC 5321 section 4.5.3).
	maxDeveloperBytes = 320
	// maxPathBytes bounds base paths and patterns.
	maxPathBytes = 1024
)

// checker collects what is wrong with a catalog.
type checker struct {
	problems     *decode.Problems
	versions     map[string]int // where each API stands; version "" for any
	productNames []string

	casedPatterns bool // a pattern differs from its fold
}

// apiVersion is the key of an API among the versions. A name with a zero byte
// is refused anyway.
//
//go:noinline
func apiVersion(name, version string) string { return name + "\x00" + version }

// add and the functions below it are not inlined: each of many messages would
// cost the guest 300 bytes more.
//
//go:noinline
func (ch *checker) add(path, message string) {
	ch.problems.AddUnseen(decode.Problem{Path: path, Message: message})
}

// got adds what was wanted at a path and what was there.
//
//go:noinline
func (ch *checker) got(path, wanted, text string) { ch.add(path, wanted+", got "+decode.Quote(text)) }

// fault adds what the check of an item's member found, "" for nothing.
//
//go:noinline
func (ch *checker) fault(list string, i int, member, message string) {
	if message != "" {
		ch.add(item(list, i)+member, message)
	}
}

// item is the path of an item of a list.
//
//go:noinline
func item(list string, i int) string { return list + "[" + strconv.Itoa(i) + "]" }

func apiPath(i int) string { return item("apis", i) }

func (ch *checker) apis(apis []API) {
	ch.versions = make(map[string]int, 2*len(apis))
	for i := range apis {
		a := &apis[i]
		ch.fault("apis", i, ".name", nameFault(a.Name))
		ch.fault("apis", i, ".version", nameFault(a.Version))
		key := apiVersion(a.Name, a.Version)
		if other, taken := ch.versions[key]; taken {
			ch.add(apiPath(i)+".name", "must be unique together with the version, got "+decode.Quote(a.Name)+" and "+decode.Quote(a.Version)+", also at "+apiPath(other))
		} else {
			ch.versions[key] = i
			ch.versions[apiVersion(a.Name, "")] = i
		}
		ch.fault("apis", i, ".base_path", basePathFault(a.BasePath))
		for j, host := range a.Hosts {
			if !validHost(strings.TrimPrefix(host, "*.")) {
				ch.got(item(apiPath(i)+".hosts", j), `must be a host name without a port, or "*." followed by a name`, host)
			}
		}
	}
}

// taken reports an API whose base path another one has for its j-th host, or
// has in a form that a backend which ignores case takes for it.
func (ch *checker) taken(apis []API, i, j, other int) {
	a, base := &apis[i], apis[other].BasePath
	path, at := apiPath(i), ", also at "+apiPath(other)
	if base != a.BasePath {
		at += " as " + decode.Quote(base) + ", which is the same to a backend that ignores letter case"
	}
	switch {
	case len(a.Hosts) == 0:
		ch.add(path+".base_path", "must be the only such base path for any host, got "+decode.Quote(a.BasePath)+at)
	case other == i:
		ch.add(item(path+".hosts", j), "must be listed only once, got "+decode.Quote(a.Hosts[j])+" twice")
	default:
		ch.add(item(path+".hosts", j), "must not have the same base path as another API, got "+decode.Quote(a.Hosts[j])+" with "+decode.Quote(a.BasePath)+at)
	}
}

func (ch *checker) products(products []Product, apis []API) map[string]*product {
	compiled := make(map[string]*product, len(products))
	positions := make(map[string]int, len(products))
	for i := range products {
		p, path := &products[i], item("products", i)
		if m := textFault(p.Name, maxNameBytes); m != "" {
			ch.add(path+".name", m)
		} else if other, taken := positions[p.Name]; taken {
			ch.add(path+".name", "must be unique, got "+decode.Quote(p.Name)+", also at "+item("products", other))
			continue
		}
		positions[p.Name] = i
		ch.productNames = append(ch.productNames, p.Name)
		c := &product{Product: *p}
		for j := range p.APIs {
			c.grantsAPI = append(c.grantsAPI, ch.grant(item(path+".apis", j), &p.APIs[j], apis))
		}
		for j, scope := range p.Scopes {
			if !ValidScope(scope) {
				ch.got(item(path+".scopes", j), "must be one scope, without blanks, quotes or backslashes", scope)
			}
		}
		compiled[p.Name] = c
	}
	return compiled
}

func (ch *checker) grant(path string, granted *ProductAPI, apis []API) apiGrant {
	// Without any API, that is the fault, not each name.
	if _, known := ch.versions[apiVersion(granted.Name, granted.Version)]; !known && len(apis) > 0 {
		ch.unknownAPI(path, granted, apis)
	}
	g := apiGrant{name: granted.Name, version: granted.Version}
	for k, o := range granted.Operations {
		at := item(path+".operations", k)
		compiled, err := parsePattern(o.Path)
		if err != nil {
			ch.got(at+".path", err.Error(), o.Path)
		} else if len(o.Path) > maxPathBytes {
			ch.add(at+".path", "must have at most "+strconv.Itoa(maxPathBytes)+" bytes")
		}
		for l, method := range o.Methods {
			if !decode.ValidMethod(method) {
				ch.got(item(at+".methods", l), `must be a method in capital letters, such as "GET"`, method)
			}
		}
		ch.casedPatterns = ch.casedPatterns || compiled.cased
		g.operations = append(g.operations, operation{path: compiled, methods: o.Methods})
	}
	return g
}

func (ch *checker) unknownAPI(path string, granted *ProductAPI, apis []API) {
	if ch.problems.Full() {
		ch.problems.Count()
		return
	}
	if granted.Name == "" {
		ch.add(path+".name", "must name an API, got nothing")
		return
	}
	var names, versions []string
	for i := range apis {
		a := &apis[i]
		names = append(names, a.Name)
		if a.Name == granted.Name {
			versions = append(versions, a.Version)
		}
	}
	if len(versions) > 0 {
		ch.add(path+".version", "must be a version of the API "+decode.Quote(granted.Name)+", got "+decode.Quote(granted.Version)+decode.Suggest(granted.Version, versions))
		return
	}
	ch.add(path+".name", "must name an API of this configuration, got "+decode.Quote(granted.Name)+decode.Suggest(granted.Name, names))
}

func (ch *checker) apps(apps []App, products map[string]*product) {
	positions := make(map[string]int, len(apps))
	for i := range apps {
		a := &apps[i]
		if m := textFault(a.Name, maxNameBytes); m != "" {
			ch.add(appPath(i)+".name", m)
		} else if other, taken := positions[a.Name]; taken {
			ch.add(appPath(i)+".name", "must be unique, got "+decode.Quote(a.Name)+", also at "+appPath(other))
		}
		positions[a.Name] = i
		ch.fault("apps", i, ".developer", textFault(a.Developer, maxDeveloperBytes))
		a.granted = make([]*product, 0, len(a.Products))
		for j, name := range a.Products {
			p, ok := products[name]
			if !ok {
				ch.unknownProduct(item(appPath(i)+".products", j), name)
				continue
			}
			a.granted = append(a.granted, p)
		}
		for j, client := range a.TokenClients {
			if m := textFault(client, maxNameBytes); m != "" {
				ch.add(item(appPath(i)+".token_clients", j), m)
			}
		}
	}
}

func (ch *checker) unknownProduct(path, name string) {
	if ch.problems.Full() {
		ch.problems.Count()
		return
	}
	ch.add(path, "must name a product of this configuration, got "+decode.Quote(name)+decode.Suggest(name, ch.productNames))
}

func appPath(i int) string { return item("apps", i) }

// nameFault says what is wrong with the name or version of an API, which goes
// into metric names, where other characters are separators; "" for nothing.
func nameFault(s string) string {
	if s == "" {
		return "is required and must not be empty"
	}
	if len(s) > maxNameBytes {
		return tooLong(s, maxNameBytes)
	}
	for _, c := range []byte(s) {
		if !isUnreserved(c) {
			return `must consist of letters, digits, "-", ".", "_" and "~", got ` + decode.Quote(s)
		}
	}
	return ""
}

// textFault says what is wrong with a name that people read; "" for nothing.
// Letters of any script are welcome, control characters are not.
func textFault(s string, limit int) string {
	switch {
	case s == "":
		return "is required and must not be empty"
	case len(s) > limit:
		return tooLong(s, limit)
	case !printable(s) || s[0] == ' ' || s[len(s)-1] == ' ':
		return "must have no control characters and no leading or trailing blanks, got " + decode.Quote(s)
	}
	return ""
}

func tooLong(s string, limit int) string {
	return "must have at most " + strconv.Itoa(limit) + " bytes, got " + strconv.Itoa(len(s))
}

func printable(s string) bool {
	for _, r := range s {
		if r < ' ' || r > '~' && (r == utf8.RuneError || !strconv.IsPrint(r)) {
			return false
		}
	}
	return true
}

func basePathFault(s string) string {
	switch {
	case s == "":
		return `is required; use "/" for everything`
	case s[0] != '/':
		return `must start with "/", got ` + decode.Quote(s)
	case len(s) > maxPathBytes:
		return tooLong(s, maxPathBytes)
	case s == "/":
		return ""
	case s[len(s)-1] == '/':
		return `must not end with "/", got ` + decode.Quote(s)
	case AmbiguousPath(s):
		return `must be a plain path without "//", "." or ".." levels, got ` + decode.Quote(s)
	}
	for _, c := range []byte(s) {
		if !isUnreserved(c) && c != '/' {
			return `must consist of "/", letters, digits, "-", ".", "_" and "~" (no patterns, no percent-encoding), got ` + decode.Quote(s)
		}
	}
	return ""
}

// isUnreserved: RFC 3986 section 2.3.
func isUnreserved(c byte) bool {
	return isAlphanumeric(c) || c == '-' || c == '.' || c == '_' || c == '~'
}

// ValidScope reports whether s is one scope (RFC 6749 section 3.3).
func ValidScope(s string) bool {
	for _, c := range []byte(s) {
		if c <= ' ' || c >= 0x7f || c == '"' || c == '\\' {
			return false
		}
	}
	return s != "" && len(s) <= maxNameBytes
}
