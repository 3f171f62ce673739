package command

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/sallyport-gateway/sallyport/filter/cmd/sallyport/internal/apigee"
	"github.com/sallyport-gateway/sallyport/filter/cmd/sallyport/internal/document"
	"github.com/sallyport-gateway/sallyport/filter/cmd/sallyport/internal/explain"
)

// closedBundle is a proxy with one guard in its PreFlow.
func closedBundle(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "guarded")
	all := map[string]string{
		"apiproxy/proxies/default.xml": "<ProxyEndpoint name=\"default\">\n<PreFlow><Request>\n<Step><Name>Guard</Name></Step>\n</Request></PreFlow>\n" +
			"<HTTPProxyConnection><BasePath>/a</BasePath></HTTPProxyConnection>\n<RouteRule name=\"r\"><TargetEndpoint>default</TargetEndpoint></RouteRule>\n</ProxyEndpoint>\n",
		"apiproxy/targets/default.xml": "<TargetEndpoint name=\"default\"><HTTPTargetConnection><URL>https://b.example.com</URL></HTTPTargetConnection></TargetEndpoint>\n",
	}
	for name, text := range files {
		all[name] = text
	}
	for name, text := range all {
		if text == "" {
			continue
		}
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

const guard = "apiproxy/policies/Guard.xml"

func guarded(policy string) map[string]string { return map[string]string{guard: policy} }

// flows is a proxy endpoint with these.
func flows(text string) string {
	return "<ProxyEndpoint name=\"default\">" + text + "<HTTPProxyConnection><BasePath>/a</BasePath></HTTPProxyConnection><RouteRule name=\"r\"><TargetEndpoint>default</TargetEndpoint></RouteRule></ProxyEndpoint>"
}

// conditional is a guard that works on some requests only.
func conditional(condition, policy string) map[string]string {
	return map[string]string{guard: policy, "apiproxy/proxies/default.xml": "<ProxyEndpoint name=\"default\">\n<PreFlow><Request>\n<Step><Name>Guard</Name><Condition>" + condition + "</Condition></Step>\n</Request></PreFlow>\n" +
		"<HTTPProxyConnection><BasePath>/a</BasePath></HTTPProxyConnection>\n<RouteRule name=\"r\"><TargetEndpoint>default</TargetEndpoint></RouteRule>\n</ProxyEndpoint>\n"}
}

// TestApigeeFailClosed: whatever is wrong with a guard, nobody gets through
// without it: the bundle is refused, with file and line, or the API denies.
func TestApigeeFailClosed(t *testing.T) {
	const key = `<VerifyAPIKey name="Guard"><APIKey ref="request.header.x-apikey"/></VerifyAPIKey>`
	fault := `<RaiseFault name="Guard"><FaultResponse><Set><StatusCode>403</StatusCode></Set></FaultResponse></RaiseFault>`
	shared := `<FlowCallout name="Guard"><SharedFlowBundle>security</SharedFlowBundle></FlowCallout>`
	tests := map[string]struct {
		files map[string]string
		want  string // of the problem; "" where the API denies
	}{
		"no file of the policy":            {guarded(""), `apiproxy/proxies/default\.xml:3: the step names the policy "Guard", but the bundle has no file for it`},
		"the policy is not XML":            {guarded("<VerifyAPIKey\n<"), `apiproxy/policies/Guard\.xml:2: not well-formed XML`},
		"the policy is cut":                {guarded("<VerifyAPIKey>\n"), `Guard\.xml:2: the document ends too early|Guard\.xml:2: not well-formed`},
		"two policies of the name":         {map[string]string{guard: key, "apiproxy/policies/Other.xml": `<AssignMessage name="Guard"/>`}, `Other\.xml:1: the policy "Guard" is there twice, also in .*Guard\.xml:1`},
		"an endpoint that is not XML":      {map[string]string{guard: key, "apiproxy/proxies/default.xml": "<ProxyEndpoint"}, `default\.xml:1: `},
		"an endpoint of another kind":      {map[string]string{guard: key, "apiproxy/proxies/default.xml": "<TargetEndpoint name=\"default\"/>"}, `default\.xml:1: must be a ProxyEndpoint, got TargetEndpoint`},
		"no target":                        {map[string]string{guard: key, "apiproxy/targets/default.xml": ""}, `default\.xml:6: the route "r" names the target endpoint "default"`},
		"no shared flow":                   {guarded(shared), `Guard\.xml:1: the shared flow "security" is missing`},
		"a shared flow without its step":   {map[string]string{guard: shared, "s/sharedflowbundle/security.xml": `<SharedFlowBundle name="security"/>`, "s/sharedflowbundle/sharedflows/default.xml": "<SharedFlow>\n<Step><Name>VK</Name></Step></SharedFlow>"}, `default\.xml:2: the step names the policy "VK"`},
		"a shared flow that is not XML":    {map[string]string{guard: shared, "s/sharedflowbundle/security.xml": `<SharedFlowBundle name="security"/>`, "s/sharedflowbundle/sharedflows/default.xml": "<SharedFlow>"}, `default\.xml:1: `},
		"enabled is not a boolean":         {guarded(strings.Replace(key, "name=", `enabled="off" name=`, 1)), `Guard\.xml:1: the attribute enabled must be true or false`},
		"an attribute that is there twice": {guarded(strings.Replace(key, "name=", `enabled="true" enabled="false" name=`, 1)), `Guard\.xml:1: an attribute that is there twice`},
		"two conditions":                   {conditional(`request.verb = "X"</Condition><Condition>request.verb = "Y"`, key), `default\.xml:3: Condition is there twice`},
		"a step where none is run":         {map[string]string{guard: key, "apiproxy/proxies/default.xml": flows("<PreFlow>\n<Requests><Step><Name>Guard</Name></Step></Requests></PreFlow>")}, `default\.xml:2: a step in Requests, where Apigee does not run steps`},

		"flows in small letters":               {map[string]string{guard: key, "apiproxy/proxies/default.xml": flows("<preflow><request><step><name>Guard</name></step></request></preflow>")}, ""},
		"a key":                                {guarded(key), ""},
		"a key for some requests":              {conditional(`request.verb = "DELETE"`, key), ""},
		"a key under a condition not known":    {conditional(`flow.internal != "true"`, key), ""},
		"a key under a condition not readable": {conditional(`((`, key), ""},
		"a key that lets pass":                 {guarded(strings.Replace(key, "name=", `continueOnError="true" name=`, 1)), ""},
		"a key in a form":                      {guarded(`<VerifyAPIKey name="Guard"><APIKey ref="request.formparam.k"/></VerifyAPIKey>`), ""},
		"a key from nowhere":                   {guarded(`<VerifyAPIKey name="Guard"/>`), ""},
		"a token":                              {guarded(`<OAuthV2 name="Guard"><Operation>VerifyAccessToken</Operation></OAuthV2>`), ""},
		"an operation not known":               {guarded(`<OAuthV2 name="Guard"/>`), ""},
		"a JWT":                                {guarded(`<VerifyJWT name="Guard"><Algorithm>HS256</Algorithm></VerifyJWT>`), ""},
		"a password":                           {guarded(`<BasicAuthentication name="Guard"><Operation>Decode</Operation></BasicAuthentication>`), ""},
		"addresses in variables":               {guarded(`<AccessControl name="Guard"><IPRules noRuleMatchAction="ALLOW"><MatchRule action="DENY"><SourceAddress>{x}</SourceAddress></MatchRule></IPRules></AccessControl>`), ""},
		"addresses twice":                      {guarded(`<AccessControl name="Guard"><IPRules noRuleMatchAction="ALLOW"><MatchRule action="ALLOW"><SourceAddress>192.0.2.1</SourceAddress></MatchRule></IPRules><IPRules noRuleMatchAction="DENY"/></AccessControl>`), ""},
		"an operation twice":                   {guarded(`<OAuthV2 name="Guard"><Operation>VerifyAccessToken</Operation><Scope>a</Scope><Scope>b</Scope></OAuthV2>`), ""},
		"no addresses":                         {guarded(`<AccessControl name="Guard"/>`), ""},
		"a quota in variables":                 {guarded(`<Quota name="Guard"><Allow countRef="x"/></Quota>`), ""},
		"a rate not readable":                  {guarded(`<SpikeArrest name="Guard"><Rate>many</Rate></SpikeArrest>`), ""},
		"no rate":                              {guarded(`<SpikeArrest name="Guard"/>`), ""},
		"a fault":                              {guarded(fault), ""},
		"a fault under a condition not known":  {conditional(`flow.internal != "true"`, fault), ""},
		"a fault under a regular expression":   {conditional(`request.header.x JavaRegex "a+"`, fault), ""},
		"a fault of a status not readable":     {guarded(strings.Replace(fault, "403", "{x}", 1)), ""},
		"a script":                             {guarded(`<Javascript name="Guard"/>`), ""},
		"Java":                                 {guarded(`<JavaCallout name="Guard"/>`), ""},
		"a callout":                            {guarded(`<ServiceCallout name="Guard"><Response>r</Response></ServiceCallout>`), ""},
		"a threat":                             {guarded(`<JSONThreatProtection name="Guard"/>`), ""},
		"a type of tomorrow":                   {guarded(`<QuantumShield name="Guard"/>`), ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			results, err := importBundles([]string{closedBundle(t, tt.files)}, apigee.Options{})
			if err != nil || len(results) != 1 {
				t.Fatalf("%d results, %v", len(results), err)
			}
			r := results[0]
			if tt.want != "" {
				if r.Config != nil || !regexp.MustCompile(tt.want).MatchString(strings.Join(r.Report.Problems, "\n")) {
					t.Errorf("config of %d bytes, problems %q, want %s", len(r.Config), r.Report.Problems, tt.want)
				}
				return
			}
			wantRefused(t, r)
		})
	}
}

// wantRefused plays a request that brings nothing.
func wantRefused(t *testing.T, r *apigee.Result) {
	t.Helper()
	if r.Config == nil {
		t.Fatalf("nothing was written: %q", r.Report.Problems)
	}
	d, err := document.Parse(r.Config)
	if err != nil {
		t.Fatal(err)
	}
	config, err := d.JSON()
	if err != nil {
		t.Fatal(err)
	}
	request, err := explain.NewRequest("GET", "https://api.example.com/a/b", nil)
	if err != nil {
		t.Fatal(err)
	}
	a, err := explain.Ask(explain.Question{Config: config, Env: func(string) (string, bool) { return "", false }, Request: request, Now: time.Now()})
	if err != nil {
		t.Fatal(err)
	}
	if !a.Decided || a.Reason == "" {
		t.Errorf("a request without anything is let through: %+v\n%s", a, r.Config)
	}
}

// TestApigeeNamesDiffer: no configuration is written over that of another proxy.
func TestApigeeNamesDiffer(t *testing.T) {
	var bundles []string
	for _, name := range []string{"a", "a-2", "A", "a"} {
		bundles = append(bundles, closedBundle(t, map[string]string{
			"apiproxy/a.xml": `<APIProxy name="` + name + `"/>`, guard: `<VerifyAPIKey name="Guard"><APIKey ref="request.header.x-apikey"/></VerifyAPIKey>`,
		}))
	}
	results, err := importBundles(bundles, apigee.Options{})
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, r := range results {
		if key := strings.ToLower(r.Name); seen[key] {
			t.Errorf("two proxies are written to %s.yaml", r.Name)
		} else {
			seen[key] = true
		}
	}
	if len(results) != len(bundles) {
		t.Errorf("%d results", len(results))
	}
}

// TestApigeeTwoRemovals: what stands in a second element counts as well.
func TestApigeeTwoRemovals(t *testing.T) {
	results, err := importBundles([]string{closedBundle(t, guarded(`<AssignMessage name="Guard"><AssignTo>request</AssignTo><Remove><Headers><Header name="x-one"/></Headers></Remove><Remove><Headers><Header name="x-internal"/></Headers></Remove><Set><Headers><Header name="x-a">1</Header></Headers></Set><Set><Headers><Header name="x-b">1</Header></Headers></Set></AssignMessage>`))}, apigee.Options{})
	if err != nil || len(results) != 1 {
		t.Fatalf("%d results, %v", len(results), err)
	}
	for _, header := range []string{"x-one", "x-internal", "x-a", "x-b"} {
		if !strings.Contains(string(results[0].Config), header) {
			t.Errorf("%s comes from the client:\n%s", header, results[0].Config)
		}
	}
}
