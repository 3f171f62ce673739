package explain

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
)

// shorts are curl's options of one letter, by their long names.
var shorts = map[string]string{
	"-X": "--request", "-H": "--header", "-d": "--data", "-b": "--cookie", "-A": "--user-agent", "-e": "--referer", "-u": "--user", "-F": "--form",
	"-G": "--get", "-I": "--head", "-s": "--silent", "-S": "--show-error", "-i": "--include", "-v": "--verbose", "-k": "--insecure", "-L": "--location",
	"-f": "--fail", "-N": "--no-buffer", "-g": "--globoff", "-4": "--ipv4", "-6": "--ipv6", "-0": "--http1.0", "-#": "--progress-bar", "-q": "--disable",
	"-o": "--output", "-w": "--write-out", "-m": "--max-time", "-x": "--proxy", "-D": "--dump-header", "-c": "--cookie-jar", "-O": "--remote-name", "-Z": "--parallel",
}

// switches are options without a value.
var switches = set("--get --head --silent --show-error --include --verbose --insecure --location --fail --no-buffer --globoff --ipv4 --ipv6 --progress-bar --disable " +
	"--compressed --http1.0 --http1.1 --http2 --http2-prior-knowledge --http3 --remote-name --parallel --tlsv1.2 --tlsv1.3 --fail-with-body --path-as-is --no-progress-meter --location-trusted")

// valued are options with one.
var valued = set("--request --header --data --data-raw --data-binary --data-ascii --data-urlencode --json --cookie --user-agent --referer --user --form --url --url-query --oauth2-bearer " +
	"--output --write-out --max-time --connect-timeout --proxy --cacert --cert --key --resolve --connect-to --dump-header --cookie-jar --retry --interface --ciphers")

func set(words string) map[string]bool {
	all := map[string]bool{}
	for _, w := range strings.Fields(words) {
		all[w] = true
	}
	return all
}

// apply notes what an option says about the request; most say nothing.
func (c *curlLine) apply(name, value string) error {
	switch name {
	case "--request":
		c.method = value
	case "--url":
		return c.url(value)
	case "--head":
		c.head = true
	case "--get":
		c.asGet = true
	case "--path-as-is":
		c.asIs = true
	case "--globoff":
		c.noGlob = true
	case "--header":
		return c.header(value)
	case "--user-agent":
		c.headers = append(c.headers, "user-agent: "+value)
	case "--referer":
		c.headers = append(c.headers, "referer: "+value)
	case "--user":
		c.headers = append(c.headers, basic(value))
	case "--oauth2-bearer":
		c.headers = append(c.headers, "authorization: Bearer "+value)
	case "--cookie":
		if !strings.Contains(value, "=") {
			return errors.New("--cookie names a file here: write the cookies, as in -b 'name=value'")
		}
		c.headers = append(c.headers, "cookie: "+value)
	case "--form":
		c.hasBody, c.multipart = true, true
	case "--url-query":
		c.query = append(c.query, encoded(value))
	case "--data", "--data-ascii", "--data-raw", "--data-binary", "--data-urlencode", "--json":
		return c.body(name, value)
	}
	return nil
}

// header notes one as curl does: "Name;" has no value, "Name:" removes curl's
// own header, and a file is not read.
func (c *curlLine) header(value string) error {
	switch {
	case strings.HasPrefix(value, "@"):
		return errors.New("-H names a file here: write the header, 'Name: value'")
	case strings.HasSuffix(value, ";") && !strings.Contains(value, ":"):
		value = strings.TrimSuffix(value, ";") + ":"
	case strings.HasSuffix(strings.TrimSpace(value), ":"):
		return nil
	}
	c.headers = append(c.headers, value)
	return nil
}

func (c *curlLine) body(name, value string) error {
	if strings.HasPrefix(value, "@") && name != "--data-raw" {
		return fmt.Errorf("%s names a file here: write what is in it", name)
	}
	if name == "--data-urlencode" {
		value = encoded(value)
	}
	c.hasBody, c.json, c.form = true, c.json || name == "--json", true
	c.data = append(c.data, value)
	return nil
}

// encoded is "content", "=content" or "name=content" with the content encoded.
func encoded(value string) string {
	name, content, named := strings.Cut(value, "=")
	if !named {
		return url.QueryEscape(value)
	}
	if name == "" {
		return url.QueryEscape(content)
	}
	return name + "=" + url.QueryEscape(content)
}
