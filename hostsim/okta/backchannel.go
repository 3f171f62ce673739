package okta

import (
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// maxForm bounds the body of a back-channel request.
const maxForm = 64 << 10

// backChannelFunc serves a request whose form was read and whose client was authenticated.
type backChannelFunc func(http.ResponseWriter, *http.Request, *Client)

// backChannel does what Okta does before it looks at a token: count, read the
// form strictly, limit, authenticate the client. Faults come before all answers.
func (o *Org) backChannel(e Endpoint, serve backChannelFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		o.calls.begin(e)
		call := Call{Endpoint: e}
		sw := &statusWriter{ResponseWriter: w}
		defer func() {
			call.Status = sw.status
			o.calls.end(call)
		}()
		// Before the wait: net/http watches for the client's departure only once the
		// body has been read.
		formErr := readForm(sw, r)
		_, delay, fault := o.faults.current()
		if !wait(r, delay) {
			return
		}
		if fault != nil {
			fault(o, sw)
			return
		}
		h := sw.Header()
		h.Set("Cache-Control", "no-cache, no-store")
		h.Set("Pragma", "no-cache")
		if !o.limit.take(h, o.cfg.Now()) {
			errRateLimited().write(sw)
			return
		}
		if formErr != nil {
			formErr.write(sw)
			return
		}
		if token := r.PostForm.Get("token"); token != "" {
			call.TokenHash = HashToken(token)
		}
		client, err := o.authenticate(r)
		if err != nil {
			err.write(sw)
			return
		}
		call.ClientID = client.ID
		serve(sw, r, client)
	})
}

// wait says whether the client is still there after d.
func wait(r *http.Request, d time.Duration) bool {
	if d <= 0 {
		return true
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-r.Context().Done():
		return false
	}
}

type errorAnswer interface{ write(http.ResponseWriter) }

// readForm reads only the body: the query is ignored, so r.Form is the same as
// r.PostForm for everything that follows.
func readForm(w http.ResponseWriter, r *http.Request) errorAnswer {
	if r.Method != http.MethodPost {
		return errMethod()
	}
	mediaType, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || mediaType != "application/x-www-form-urlencoded" {
		return errMediaType()
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	r.URL.RawQuery = ""
	if err := r.ParseForm(); err != nil {
		return invalidRequest("The request body is malformed.")
	}
	var repeated []string
	for name, values := range r.PostForm {
		if len(values) > 1 {
			repeated = append(repeated, name)
		}
	}
	if len(repeated) > 0 {
		slices.Sort(repeated)
		return invalidRequest("Duplicate parameter provided in request. Duplicated parameters: [" + strings.Join(repeated, ", ") + "].")
	}
	return nil
}

// authenticate finds the client by client_secret_basic, or by client_id alone
// when it is public. Ids and secrets in the header are form-encoded (RFC 6749 section 2.3.1).
func (o *Org) authenticate(r *http.Request) (*Client, *oauthError) {
	form := r.PostForm
	id, secret := form.Get("client_id"), ""
	inHeader := r.Header.Get("Authorization") != ""
	switch {
	case inHeader && (form.Has("client_secret") || form.Has("client_assertion")):
		return nil, invalidRequest(textManyCredentials)
	case inHeader:
		var ok bool
		if id, secret, ok = basicCredentials(r); !ok {
			return nil, invalidClient(textBasicInvalid)
		}
	case form.Has("client_assertion"):
		return nil, invalidClient(textAssertionNoKeys)
	case form.Has("client_secret"): // our clients are not registered for client_secret_post
		return nil, invalidClient(textAuthFailed)
	case id == "":
		return nil, invalidClient(textNoCredentials)
	}
	client, ok := o.store.client(id)
	switch {
	case !ok:
		return nil, invalidClient(textClientUnknown)
	case client.public() != (secret == ""):
		return nil, invalidClient(textAuthFailed)
	case !client.public() && !client.secretIs(secret):
		return nil, invalidClient(textSecretInvalid)
	}
	return client, nil
}

func basicCredentials(r *http.Request) (id, secret string, ok bool) {
	id, secret, ok = r.BasicAuth()
	if !ok {
		return "", "", false
	}
	id, err1 := url.QueryUnescape(id)
	secret, err2 := url.QueryUnescape(secret)
	return id, secret, err1 == nil && err2 == nil
}

// statusWriter remembers the status that was written.
type statusWriter struct {
	http.ResponseWriter
	status int
}

func (w *statusWriter) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *statusWriter) Write(p []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	return w.ResponseWriter.Write(p)
}

// Unwrap lets http.ResponseController reach the connection.
func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
