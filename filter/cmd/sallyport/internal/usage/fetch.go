package usage

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

const (
	// maxAnswer bounds what a server may answer. A day of a series that is scraped each 15 s is some 150 KB.
	maxAnswer = 256 << 20
	// patience bounds one request.
	patience = 2 * time.Minute
)

// fetch reads a page below the base address. A password in the address is sent, and never shown.
func fetch(ctx context.Context, base, path string, form url.Values) ([]byte, error) {
	u, err := url.Parse(base)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
		return nil, errors.New("the address must be a URL such as http://127.0.0.1:9090")
	}
	u = u.JoinPath(path)
	u.RawQuery = form.Encode()
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		var inner *url.Error
		if errors.As(err, &inner) {
			err = inner.Err
		}
		return nil, fmt.Errorf("ask %s: %w", u.Host, err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("read the answer of %s: %w", u.Host, err)
	case len(body) > maxAnswer:
		return nil, fmt.Errorf("%s answered more than %d bytes", u.Host, maxAnswer)
	case resp.StatusCode != http.StatusOK:
		const shown = 200
		return nil, fmt.Errorf("%s answered %s: %.*q", u.Host, resp.Status, shown, strings.TrimSpace(string(body)))
	}
	return body, nil
}
