package denial_test

import (
	"encoding/json"
	"encoding/xml"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport-gateway/sallyport/filter/internal/denial"
	"github.com/sallyport-gateway/sallyport/filter/internal/host"
)

func template(t testing.TB, text, contentType string) *denial.Template {
	t.Helper()
	body, err := denial.ParseTemplate(text, contentType)
	if err != nil {
		t.Fatal(err)
	}
	return body
}

func TestRaiseFaultShapes(t *testing.T) {
	body := template(t, `{"error":"{{reason}}","code":"{{ code }}","status":{{status}},"message":"{{text}}"}`, "application/json")
	spike := denial.Denial{Reason: denial.SpikeArrestExceeded, RetryAfterSeconds: 3, Text: "Spike"}
	for _, tt := range []struct {
		name  string
		shape denial.Shape
		want  denial.Response
	}{
		{"nothing", denial.Shape{}, denial.Response{Status: 429,
			Headers: []host.Header{{Name: "content-type", Value: "application/json"}, {Name: "cache-control", Value: "no-store"}, {Name: "x-sallyport-reason", Value: "spike_arrest.exceeded"}, {Name: "retry-after", Value: "3"}},
			Body:    []byte(`{"fault":{"faultstring":"Spike","detail":{"errorcode":"policies.ratelimit.SpikeArrestViolation"}}}`)}},
		{"status and code", denial.Shape{Status: 503, Code: "busy"}, denial.Response{Status: 503,
			Headers: []host.Header{{Name: "content-type", Value: "application/json"}, {Name: "cache-control", Value: "no-store"}, {Name: "x-sallyport-reason", Value: "spike_arrest.exceeded"}, {Name: "retry-after", Value: "3"}},
			Body:    []byte(`{"fault":{"faultstring":"Spike","detail":{"errorcode":"busy"}}}`)}},
		{"headers and body", denial.Shape{Headers: []host.Header{{Name: "retry-after", Value: "60"}, {Name: "x-a", Value: "1"}, {Name: "x-a", Value: "2"}}, Body: body}, denial.Response{Status: 429,
			Headers: []host.Header{{Name: "content-type", Value: "application/json"}, {Name: "cache-control", Value: "no-store"}, {Name: "x-sallyport-reason", Value: "spike_arrest.exceeded"}, {Name: "retry-after", Value: "60"}, {Name: "x-a", Value: "1"}, {Name: "x-a", Value: "2"}},
			Body:    []byte(`{"error":"spike_arrest.exceeded","code":"policies.ratelimit.SpikeArrestViolation","status":429,"message":"Spike"}`)}},
		{"an empty body", denial.Shape{Body: template(t, "", "")}, denial.Response{Status: 429,
			Headers: []host.Header{{Name: "cache-control", Value: "no-store"}, {Name: "x-sallyport-reason", Value: "spike_arrest.exceeded"}, {Name: "retry-after", Value: "3"}}}},
	} {
		d := spike
		d.Shape = &tt.shape
		if diff := cmp.Diff(tt.want, denial.Render(d, denial.Apigee)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
	if got := denial.Render(spike, denial.Apigee); got.Status != 429 {
		t.Error("a shape changed the table")
	}
}

// TestRaiseFaultEscapes: whatever a text has in it, it stays one text.
func TestRaiseFaultEscapes(t *testing.T) {
	text := "a \"b\" <c> & 'd' \\ \n {{reason}}"
	render := func(contentType, body string) string {
		shape := &denial.Shape{Body: template(t, body, contentType)}
		return string(denial.Render(denial.Denial{Reason: denial.APIKeyMissing, Text: text, Shape: shape}, denial.Apigee).Body)
	}
	for _, contentType := range []string{"application/json", "application/problem+json; charset=utf-8", "Application/JSON"} {
		var got struct{ M string }
		if err := json.Unmarshal([]byte(render(contentType, `{"m":"{{text}}"}`)), &got); err != nil || got.M != text {
			t.Errorf("%s: %q, %v", contentType, got.M, err)
		}
	}
	for _, contentType := range []string{"text/xml", "application/soap+xml", "application/xhtml+xml", "text/html"} {
		var got struct {
			M string `xml:"m,attr"`
			T string `xml:",chardata"`
		}
		body := render(contentType, `<f m="{{text}}">{{text}}</f>`)
		// An attribute's line end is a blank to XML.
		if err := xml.Unmarshal([]byte(body), &got); err != nil || got.T != text || strings.ReplaceAll(got.M, "\n", " ") != strings.ReplaceAll(text, "\n", " ") {
			t.Errorf("%s: %s, %v", contentType, body, err)
		}
	}
	if got := render("text/plain", "{{text}}!"); got != text+"!" {
		t.Errorf("plain: %q", got)
	}
}

func TestRaiseFaultTemplatesRefused(t *testing.T) {
	for _, text := range []string{"{{", "{{}}", "{{reason", "{{Reason}}", "{{request.header.x}}", "a {{ reason }} {{x}}", strings.Repeat("a", denial.MaxTemplateBytes+1)} {
		if _, err := denial.ParseTemplate(text, "text/plain"); err == nil {
			t.Errorf("%.20q is taken", text)
		}
	}
}

func FuzzRaiseFaultTemplate(f *testing.F) {
	f.Add(`{"m":"{{text}}"}`, "application/json", "quote \"")
	f.Add("{{reason}}{{code}}{{status}}", "text/html", "<")
	f.Fuzz(func(t *testing.T, body, contentType, text string) {
		parsed, err := denial.ParseTemplate(body, contentType)
		if err != nil {
			return
		}
		got := denial.Render(denial.Denial{Reason: denial.TokenMissing, Text: text, Shape: &denial.Shape{Body: parsed}}, denial.Apigee)
		if !strings.Contains(body, "{{") && string(got.Body) != body {
			t.Errorf("%q became %q", body, got.Body)
		}
	})
}

func TestCORSHeadersOfRefusals(t *testing.T) {
	policy := &denial.CORS{Credentials: true, Expose: "retry-after"}
	for _, tt := range []struct {
		name   string
		cors   *denial.CORS
		origin string
		want   []host.Header
	}{
		{"an origin that is allowed", policy, "https://a.example", []host.Header{{Name: "vary", Value: "origin"}, {Name: "access-control-allow-origin", Value: "https://a.example"}, {Name: "access-control-allow-credentials", Value: "true"}, {Name: "access-control-expose-headers", Value: "retry-after"}}},
		{"another origin", policy, "", []host.Header{{Name: "vary", Value: "origin"}}},
		{"any origin", &denial.CORS{AnyOrigin: true}, "https://a.example", []host.Header{{Name: "access-control-allow-origin", Value: "*"}}},
		{"any origin, none came", &denial.CORS{AnyOrigin: true}, "", nil},
		{"no policy", nil, "https://a.example", nil},
	} {
		var r denial.Renderer
		plain := r.Render(denial.Denial{Reason: denial.TokenMissing}).Headers
		got := r.Render(denial.Denial{Reason: denial.TokenMissing, CORS: tt.cors, Origin: tt.origin}).Headers
		if diff := cmp.Diff(append(plain[:len(plain):len(plain)], tt.want...), got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
}
