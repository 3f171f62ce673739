package demo

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/sallyport-gateway/sallyport/hostsim/okta"
)

// Line is a command to paste, the status that it shows, and the filter's reason
// for it, empty where nothing is refused. Tokens are read from files of the
// demo, so that a line fits a terminal.
type Line struct {
	Title   string
	Status  int
	Reason  string
	Command string
}

// The files with tokens.
const (
	goodToken    = "token"
	revokedToken = "token-revoked"
	narrowToken  = "token-without-scope"
)

// writeTokens mints the tokens of the lines and puts them into the demo's folder.
func (d *Demo) writeTokens() error {
	d.tokens = map[string]string{}
	for name, scopes := range map[string][]string{
		goodToken:    {"openid", "customers.read"},
		revokedToken: {"openid", "customers.read"},
		narrowToken:  {"openid", "profile"},
	} {
		token, err := d.org.IssueToken(okta.TokenRequest{
			ClientID: portalClient, User: d.Login, Scopes: scopes, Lifetime: 12 * time.Hour,
		})
		if err != nil {
			return err
		}
		if err := os.WriteFile(d.certs.file(name), []byte(token), 0o600); err != nil {
			return fmt.Errorf("write token: %w", err)
		}
		d.tokens[name] = token
	}
	return d.org.Revoke(d.tokens[revokedToken])
}

// Lines are the five commands. The burst is the last: for a moment after it the
// gateway refuses whatever comes from this machine.
func (d *Demo) Lines() []Line {
	return []Line{
		{"a good key and a good token", 200, "", d.curl("-i", "order", true, goodToken)},
		{"no API key", 401, "api_key.missing", d.curl("-i", "order", false, goodToken)},
		{"a token that was revoked at Okta", 401, "token.inactive", d.curl("-i", "order", true, revokedToken)},
		{"a token without the scope", 403, "token.scope_insufficient", d.curl("-i", "order", true, narrowToken)},
		{"a burst: ten pass, most others do not", 429, "spike_arrest.exceeded",
			d.curl(`-o /dev/null -w '%{http_code}\n'`, "orders", true, goodToken) + " | sort | uniq -c"},
	}
}

// curl is a command for one order, or for many in a row over one connection.
func (d *Demo) curl(options, what string, withKey bool, token string) string {
	path := "/customers/v1/orders/42"
	if what == "orders" {
		path = "/customers/v1/orders/[1-50]"
	}
	parts := []string{"curl -sS", options, "--cacert " + d.certs.file("ca.pem")}
	if withKey {
		parts = append(parts, "-H 'x-api-key: "+d.apiKey+"'")
	}
	parts = append(parts, `-H "authorization: Bearer $(cat `+d.certs.file(token)+`)"`, "'"+d.GatewayURL+path+"'")
	return strings.Join(parts, " ")
}

// Print says where everything is and what to paste.
func (d *Demo) Print(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "Portal    %s   (log in as %s, password %s)\n", d.PortalURL, d.Login, d.Password)
	fmt.Fprintf(&b, "Gateway   %s   (%s)\n", d.GatewayURL, d.host)
	fmt.Fprintf(&b, "Okta      %s   (simulated)\n", d.OktaIssuer)
	fmt.Fprintf(&b, "Backend   %s   (2-way TLS: only the gateway gets in)\n", d.BackendURL)
	fmt.Fprintf(&b, "CA        %s   (your browser does not trust it and will warn on Okta's page)\n\n", d.certs.file("ca.pem"))
	for _, l := range d.Lines() {
		title := l.Title
		if l.Reason != "" {
			title += " (" + l.Reason + ")"
		}
		fmt.Fprintf(&b, "# %d: %s\n%s\n\n", l.Status, title, l.Command)
	}
	_, err := io.WriteString(w, b.String())
	return err
}
