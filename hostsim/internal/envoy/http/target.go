package http

import (
	"strconv"
	"strings"

	"github.com/sallyport-gateway/sallyport/hostsim/internal/envoy/header"
)

// The parts of a request line. Source: Envoy source/common/http/http1/balsa_parser.cc isMethodValid and isUrlValid, and
// the http_parser_parse_url behind Utility::Url; measured.

// methods are those that Envoy's HTTP/1 parser knows.
var methods = map[string]bool{
	"ACL": true, "BIND": true, "CHECKOUT": true, "CONNECT": true, "COPY": true, "DELETE": true, "GET": true, "HEAD": true,
	"LINK": true, "LOCK": true, "MERGE": true, "MKACTIVITY": true, "MKCALENDAR": true, "MKCOL": true, "MOVE": true,
	"MSEARCH": true, "NOTIFY": true, "OPTIONS": true, "PATCH": true, "POST": true, "PROPFIND": true, "PROPPATCH": true,
	"PURGE": true, "PUT": true, query: true, "REBIND": true, "REPORT": true, "SEARCH": true, "SOURCE": true, "SUBSCRIBE": true,
	"TRACE": true, "UNBIND": true, "UNLINK": true, "UNLOCK": true, "UNSUBSCRIBE": true,
}

const (
	connect = "CONNECT"
	query   = "QUERY"
)

// isTarget: the parser takes it, though it may be no URL.
func isTarget(target string, toConnect bool) bool {
	if target == "" {
		return false
	}
	if target[0] == '/' || target[0] == '*' {
		return header.Consists(target, ofPath)
	}
	if !toConnect {
		scheme, rest, ok := strings.Cut(target, "://")
		if !ok || scheme == "" || !header.IsLetter(scheme[0]) || !header.Consists(scheme, ofScheme) {
			return false
		}
		target = rest
	}
	host, path := cutHost(target)
	return header.Consists(host, ofUserinfo) && !strings.Contains(host, "@@") && header.Consists(path, ofPath)
}

// cutHost divides what follows the scheme.
func cutHost(s string) (host, path string) {
	if i := strings.IndexAny(s, "/?"); i >= 0 {
		return s[:i], s[i:]
	}
	return s, ""
}

// parseURL divides an absolute URL, or with toConnect a host and its port. The path is / unless there is one; user and
// password are dropped.
func parseURL(url string, toConnect bool) (scheme, host, path string, ok bool) {
	rest := url
	if !toConnect {
		if scheme, rest, ok = strings.Cut(url, "://"); !ok || scheme == "" || !header.Consists(scheme, header.IsLetter) {
			return "", "", "", false
		}
	}
	host, path = cutHost(rest)
	if i := strings.LastIndexByte(host, '@'); i >= 0 {
		if toConnect || i == 0 || strings.IndexByte(host, '@') != i || !header.Consists(host[:i], ofUserinfo) {
			return "", "", "", false
		}
		host = host[i+1:]
	}
	name, port, hasPort := cutPort(host)
	if !isHostName(name) || hasPort && !isPort(port) || toConnect && (!hasPort || path != "") || !header.Consists(path, ofPath) {
		return "", "", "", false
	}
	if path == "" {
		path = "/"
	}
	return strings.ToLower(scheme), host, path, true
}

func cutPort(host string) (name, port string, hasPort bool) {
	end := strings.IndexByte(host, ']') + 1 // 0 unless it is an address of IPv6
	i := strings.IndexByte(host[end:], ':')
	if i < 0 {
		return host, "", false
	}
	return host[:end+i], host[end+i+1:], true
}

func isHostName(name string) bool {
	if inside, ok := strings.CutPrefix(name, "["); ok {
		inside, ok = strings.CutSuffix(inside, "]")
		return ok && inside != "" && header.Consists(inside, func(c byte) bool { return isHex(c) || c == ':' || c == '.' })
	}
	return name != "" && header.Consists(name, func(c byte) bool { return header.IsLetter(c) || header.IsDigit(c) || c == '.' || c == '-' })
}

func isPort(port string) bool {
	_, err := strconv.ParseUint(port, 10, 16)
	return err == nil && header.Consists(port, header.IsDigit)
}

// isAuthority: the characters of a Host header. Source: Envoy HeaderUtility::authorityIsValid; measured.
func isAuthority(host string) bool { return header.Consists(host, ofUserinfo) }

// isReferer: Envoy lets it through. Source: Envoy Utility::isValidRefererValue; measured.
func isReferer(value string) bool {
	if scheme, _, ok := strings.Cut(value, "://"); ok && header.Consists(scheme, header.IsLetter) {
		if _, _, path, ok := parseURL(value, false); ok {
			host, _ := cutHost(value[len(scheme)+len("://"):])
			return !strings.Contains(path, "#") && !strings.Contains(host, "@")
		}
	}
	before, _, _ := strings.Cut(value, "/")
	return !strings.Contains(before, ":") && header.Consists(value, ofReferer)
}

func isHex(c byte) bool { return header.IsDigit(c) || 'a' <= c|0x20 && c|0x20 <= 'f' }

func ofPath(c byte) bool { return '!' <= c && c <= '~' || c == '\t' || c == '\f' }

func ofScheme(c byte) bool {
	return header.IsLetter(c) || header.IsDigit(c) || c == '+' || c == '-' || c == '.'
}

func ofUserinfo(c byte) bool {
	return header.IsLetter(c) || header.IsDigit(c) || strings.IndexByte("!$%&'()*+,-.:;=@[]_~", c) >= 0
}

func ofReferer(c byte) bool {
	return header.IsLetter(c) || header.IsDigit(c) || strings.IndexByte("!$%&'()*+,-./:;=?@_~", c) >= 0
}
