package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Bounds of one press of the button.
const (
	maxTimes      = 60
	maxShownBody  = 64 << 10
	maxPortalForm = 4 << 10
)

// apiCall is a call that the page offers.
type apiCall struct {
	ID, Label, Method, Path string
}

// apiCalls are all calls that the portal makes: a browser chooses one by its
// id, so it cannot send the key to an address of its own.
var apiCalls = []apiCall{
	{"order-43", "Latest order", http.MethodGet, "/customers/v1/orders/43"},
	{"sales", "Sales this month", http.MethodGet, "/customers/v1/orders/sales"},
	{"shipments", "Shipments on their way", http.MethodGet, "/customers/v1/orders/shipments"},
	{"invoices", "Open invoices", http.MethodGet, "/customers/v1/orders/invoices"},
	{"order-v1", "Read order 42, version 1", http.MethodGet, "/customers/v1/orders/42"},
	{"order-v2", "Read order 42, version 2", http.MethodGet, "/customers/v2/orders/42"},
	{"delete", "Delete order 42 (not in the portal's product)", http.MethodDelete, "/customers/v1/orders/42"},
	{"nowhere", "Call an API that does not exist", http.MethodGet, "/nowhere"},
}

// firstCall is the one that the form offers first.
const firstCall = "order-v1"

// dashboardCards is how many of them fill the dashboard after the sign-in.
const dashboardCards = 4

// callForm is what the person chose.
type callForm struct {
	Call               string
	WithKey, WithToken bool
	Times              int
}

// result is what the gateway answered: how often each status, and the last answer in full.
type result struct {
	Request string        `json:"request"`
	Counts  []statusCount `json:"counts"`
	Status  string        `json:"status"`
	Headers []string      `json:"headers"`
	Body    string        `json:"body"`
	// Reason is that of the last refusal, with the door that refused and what the
	// page on troubleshooting says about it; all are empty when nothing was
	// refused.
	Reason string `json:"reason,omitempty"`
	Door   string `json:"door,omitempty"`
	Advice string `json:"advice,omitempty"`
	// Trace is the address of the last call on the page Trace.
	Trace string `json:"trace"`
}

type statusCount struct {
	Status int `json:"status"`
	Count  int `json:"count"`
}

// reasonHeader says why the gateway refused.
const reasonHeader = "X-Sallyport-Reason"

// shownHeaders are the headers that say something about a denial.
var shownHeaders = []string{reasonHeader, "Www-Authenticate", "Retry-After", "Content-Type"}

func (p *Portal) serveCall(w http.ResponseWriter, r *http.Request, s session) {
	r.Body = http.MaxBytesReader(w, r.Body, maxPortalForm)
	form, call, err := readCallForm(r)
	if err != nil {
		p.render(w, r, http.StatusBadRequest, view{Problem: "The form is not complete."})
		return
	}
	res, err := p.repeat(r.Context(), call, form, s.token)
	wantsJSON := strings.Contains(r.Header.Get("Accept"), "application/json")
	switch {
	case err != nil && wantsJSON:
		answer(w, http.StatusBadGateway, map[string]string{"problem": "The gateway did not answer."})
	case err != nil:
		p.render(w, r, http.StatusBadGateway, view{Problem: "The gateway did not answer."})
	case wantsJSON:
		answer(w, http.StatusOK, res)
	default:
		p.render(w, r, http.StatusOK, view{Form: form, Result: res})
	}
}

func readCallForm(r *http.Request) (callForm, apiCall, error) {
	if err := r.ParseForm(); err != nil {
		return callForm{}, apiCall{}, fmt.Errorf("read form: %w", err)
	}
	form := callForm{
		Call:    r.PostForm.Get("call"),
		WithKey: r.PostForm.Has("with_key"), WithToken: r.PostForm.Has("with_token"),
	}
	i := slices.IndexFunc(apiCalls, func(c apiCall) bool { return c.ID == form.Call })
	times, err := strconv.Atoi(r.PostForm.Get("times"))
	if i < 0 || err != nil || times < 1 || times > maxTimes {
		return callForm{}, apiCall{}, errors.New("read form: value out of range")
	}
	form.Times = times
	return form, apiCalls[i], nil
}

// repeat makes the call form.Times times, one after the other.
func (p *Portal) repeat(ctx context.Context, call apiCall, form callForm, token string) (*result, error) {
	res := &result{Request: call.Method + " " + call.Path, Headers: []string{}}
	for range form.Times {
		req, err := http.NewRequestWithContext(ctx, call.Method, p.cfg.GatewayURL+call.Path, nil)
		if err != nil {
			return nil, fmt.Errorf("make API request: %w", err)
		}
		if form.WithKey {
			req.Header.Set("X-Api-Key", p.cfg.APIKey)
		}
		if form.WithToken {
			req.Header.Set("Authorization", "Bearer "+token)
		}
		if err := p.once(req, res); err != nil {
			return nil, err
		}
	}
	slices.SortFunc(res.Counts, func(a, b statusCount) int { return a.Status - b.Status })
	return res, nil
}

// once sends req and puts the answer into res.
func (p *Portal) once(req *http.Request, res *result) error {
	began := time.Now()
	resp, err := p.cfg.Client.Do(req)
	if err != nil {
		return fmt.Errorf("call API: %w", err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxShownBody))
	if err != nil {
		return fmt.Errorf("read API answer: %w", err)
	}
	res.Status = strings.TrimSpace(strconv.Itoa(resp.StatusCode) + " " + http.StatusText(resp.StatusCode))
	res.Body = string(body)
	res.Trace = traceOf(req, began, time.Now())
	res.refused(resp.Header.Get(reasonHeader))
	res.Headers = res.Headers[:0]
	for _, name := range shownHeaders {
		for _, value := range resp.Header.Values(name) {
			res.Headers = append(res.Headers, strings.ToLower(name)+": "+value)
		}
	}
	i := slices.IndexFunc(res.Counts, func(c statusCount) bool { return c.Status == resp.StatusCode })
	if i < 0 {
		res.Counts = append(res.Counts, statusCount{Status: resp.StatusCode})
		i = len(res.Counts) - 1
	}
	res.Counts[i].Count++
	return nil
}
