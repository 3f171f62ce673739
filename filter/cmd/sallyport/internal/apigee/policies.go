package apigee

import (
	"slices"
	"strings"

	"github.com/sallyport-gateway/sallyport/filter/cmd/sallyport/internal/apigee/condition"
	"github.com/sallyport-gateway/sallyport/filter/cmd/sallyport/internal/apigee/report"
	"github.com/sallyport-gateway/sallyport/filter/cmd/sallyport/internal/apigee/xmltree"
)

// visit carries a policy of the request flow over, or says why not.
func (a *api) visit(v visit) {
	if v.policy.Off {
		a.say(v, report.Dropped, "it is switched off in Apigee", "")
		return
	}
	if said := v.say(a.context); said.Never {
		a.never(v)
		return
	}
	if twice := doubled(v.policy.XML, singles[v.policy.Type]); twice != "" {
		a.deny(v, twice+" is there twice", "fix the policy")
		return
	}
	switch v.policy.Type {
	case "SpikeArrest":
		a.spikeArrest(v)
	case "VerifyAPIKey":
		a.verifyAPIKey(v)
	case "AssignMessage":
		a.assignMessage(v)
	case "ServiceCallout":
		a.serviceCallout(v)
	case "ExtractVariables":
		a.extractVariables(v)
	case "RaiseFault":
		a.raiseFault(v)
	case "OAuthV2":
		a.oauth(v)
	case "VerifyJWT":
		a.verifyJWT(v)
	case "Quota":
		a.quota(v)
	case "AccessControl":
		a.accessControl(v)
	case "BasicAuthentication":
		a.basicAuthentication(v)
	case "CORS":
		a.cors(v)
	case "KeyValueMapOperations":
		a.say(v, report.Dropped, "values of the map are not in the bundle, and conditions that read them are treated as unknown", "environment variables for secrets, the configuration for the rest")
	case "RouteRule":
		a.deny(v, strings.Join(a.notes[noteKey(v)], "; "), "a route of Envoy's own to where it belongs, and this step removed")
	default:
		a.other(v)
	}
}

// singles are elements of which one counts, and it is not known which.
var singles = map[string][]string{
	"AccessControl": {"IPRules", "ClientIPVariable"},
	"OAuthV2":       {"Operation", "AccessToken", "AccessTokenPrefix", "Scope"},
	"Quota":         {"Interval", "TimeUnit", "Identifier", "MessageWeight", "UseQuotaConfigInAPIProduct"},
	"RaiseFault":    {"FaultResponse"},
	"SpikeArrest":   {"Identifier", "MessageWeight"},
	"VerifyJWT":     {"Algorithm", "Source", "PublicKey", "Issuer", "Audience"},
}

// doubled gives the first of the names that is there twice, "" for none.
func doubled(n *xmltree.Node, names []string) string {
	for _, name := range names {
		if len(n.All(name)) > 1 {
			return name
		}
	}
	return ""
}

// never is for a condition that cannot be true here: mostly a fault for what an
// earlier step itself refuses. Its shape is carried over.
func (a *api) never(v visit) {
	const detail = "its condition is never true after the steps before it"
	if v.policy.Type != "RaiseFault" {
		a.say(v, report.Carried, detail, "")
		return
	}
	reasons := a.refusedBefore(v.own)
	var d differences
	f, ok := faultOf(v.policy.XML.Child("FaultResponse"), &d)
	if len(reasons) == 0 || !ok || f.status < 400 || f.status > 599 {
		a.say(v, report.Carried, detail, "")
		return
	}
	n := mapping("reasons", reasons, "status", f.status)
	f.put(n)
	n.HeadComment = "Apigee: RaiseFault " + plainText(v.policy.Name)
	a.faults = append(a.faults, n)
	d.add("the step before refuses such a request itself, with this status and body")
	a.say(v, report.Carried, strings.Join(d, "; "), "")
}

// refusedBefore gives the reasons for which steps refuse what the condition is
// about.
func (a *api) refusedBefore(e condition.Expr) (reasons []string) {
	switch e := e.(type) {
	case condition.All:
		for _, sub := range e {
			reasons = append(reasons, a.refusedBefore(sub)...)
		}
	case condition.Any:
		for _, sub := range e {
			reasons = append(reasons, a.refusedBefore(sub)...)
		}
	case condition.Not:
		return a.refusedBefore(e.Of)
	case condition.Compare:
		variable := strings.ToLower(e.Variable)
		if _, _, known := a.knows(variable); !known {
			return nil
		}
		prefix, _, _ := strings.Cut(variable, ".")
		switch {
		case a.claims[variable] == "$.active":
			return []string{"token.inactive", "token.refused"}
		case strings.HasSuffix(variable, ".status.code"):
			return []string{"introspection.*"}
		case strings.HasSuffix(variable, ".failed") && failedReasons[prefix] != "":
			return []string{failedReasons[prefix]}
		}
	}
	slices.Sort(reasons)
	return slices.Compact(reasons)
}

// harmless are policies that refuse nobody and identify nobody: without them a
// request gets no further than with them.
var harmless = map[string]string{
	"AccessEntity":             "it only reads what Apigee knows of an app",
	"AssertCondition":          "it only sets a variable",
	"CopyVariables":            "it only sets variables",
	"DataCapture":              "it only counts",
	"DecodeJWT":                "it reads a token without checking it",
	"DecodeJWS":                "it reads a token without checking it",
	"DeleteOAuthV2Info":        "it only changes what Apigee keeps",
	"FlowCallout":              "named harmless with --accept",
	"GenerateJWT":              "it makes a token for somebody else",
	"GenerateJWS":              "it makes a token for somebody else",
	"GenerateSAMLAssertion":    "it makes an assertion for the backend",
	"InvalidateCache":          "it only changes what Apigee keeps",
	"LookupCache":              "it only reads what Apigee keeps",
	"MessageLogging":           "it only logs",
	"PopulateCache":            "it only changes what Apigee keeps",
	"PublishMessage":           "it only notifies somebody",
	"ReadPropertySet":          "it only sets variables",
	"ResetQuota":               "it only changes what Apigee counts",
	"ResponseCache":            "answers are not cached",
	"StatisticsCollector":      "it only counts",
	"TraceCapture":             "it only traces",
	"SetOAuthV2Info":           "it only changes what Apigee keeps",
	"SetIntegrationRequest":    "it only builds a message",
	"SetDialogflowResponse":    "it only builds a message",
	"ParseDialogflowRequest":   "it only sets variables",
	"SemanticCachePopulate":    "it only changes what a cache keeps",
	"GoogleApplicationDefault": "it only sets a credential for the backend",
}

// unsafe are policies that may keep somebody out, with what can do it instead.
var unsafe = map[string][2]string{
	"Javascript":                  {"what the script does is not known: it may refuse requests", "nothing, a step of the filter, or the backend; if it is harmless, --accept it"},
	"JavaCallout":                 {"what the class does is not known: it may refuse requests", "nothing, a step of the filter, or the backend; if it is harmless, --accept it"},
	"Script":                      {"what the script does is not known: it may refuse requests", "nothing, a step of the filter, or the backend; if it is harmless, --accept it"},
	"JSONThreatProtection":        {"it refuses bodies, which the filter does not read", "limits of the backend's own parser, or a WAF such as Coraza in Envoy"},
	"XMLThreatProtection":         {"it refuses bodies, which the filter does not read", "limits of the backend's own parser, or a WAF such as Coraza in Envoy"},
	"RegularExpressionProtection": {"it refuses requests by regular expressions, which the filter does not have", "a WAF such as Coraza in Envoy"},
	"MessageValidation":           {"it refuses bodies, which the filter does not read", "the backend"},
	"OASValidation":               {"it refuses requests that do not fit the description of the API", "the backend"},
	"GraphQL":                     {"it refuses queries, which the filter does not read", "the backend"},
	"HMAC":                        {"it may check a signature", "the backend"},
	"XMLToJSON":                   {"the backend would get another body than Apigee sends", "the backend; if that is done, or harmless, --accept it"},
	"JSONToXML":                   {"the backend would get another body than Apigee sends", "the backend; if that is done, or harmless, --accept it"},
	"XSL":                         {"the backend would get another body than Apigee sends", "the backend; if that is done, or harmless, --accept it"},
	"XSLTransform":                {"the backend would get another body than Apigee sends", "the backend; if that is done, or harmless, --accept it"},
	"LDAP":                        {"it asks a directory who the caller is", "an authorization server, with introspect_token or verify_jwt"},
	"OAuthV1":                     {"it checks signatures of OAuth 1", "an authorization server, with introspect_token or verify_jwt"},
	"GetOAuthV2Info":              {"it refuses tokens that Apigee does not know", "introspect_token or verify_jwt"},
	"RevokeOAuthV2":               {"it is Apigee's own token service", "the authorization server"},
	"ValidateSAMLAssertion":       {"it checks assertions", "an authorization server, with introspect_token or verify_jwt"},
	"VerifyJWS":                   {"it checks a signature that is not a token's", "the backend"},
	"ConcurrentRatelimit":         {"it limits concurrent calls", "circuit breakers of Envoy's cluster (max_requests)"},
	"MonetizationLimitsCheck":     {"it refuses those who have not paid", "the system that does the billing"},
	"ExternalCallout":             {"it asks a server, which may refuse", "Envoy's ext_authz filter"},
	"IntegrationCallout":          {"it asks a server, which may refuse", "the backend"},
	"SanitizeUserPrompt":          {"it refuses bodies, which the filter does not read", "the backend"},
	"LLMTokenQuota":               {"it limits tokens of a model, which the filter does not count", "the backend"},
	"PromptTokenLimit":            {"it limits tokens of a model, which the filter does not count", "the backend"},
}

func (a *api) other(v visit) {
	if why, ok := harmless[v.policy.Type]; ok {
		a.accepted[v.policy.Name] = a.accepted[v.policy.Name] || v.policy.Type == "FlowCallout"
		a.say(v, report.Dropped, why, insteadOf(v.policy.Type))
		return
	}
	if why, ok := unsafe[v.policy.Type]; ok {
		a.deny(v, why[0], why[1])
		return
	}
	a.deny(v, "a policy of a type that is not known here: it may refuse requests", "nothing; if it is harmless, --accept it")
}

// insteadOf says what does a policy's work where Sallyport does not.
func insteadOf(kind string) string {
	switch kind {
	case "MessageLogging", "TraceCapture":
		return "Envoy's access log and tracing"
	case "StatisticsCollector", "DataCapture":
		return "the filter's usage metrics and access log attributes"
	case "ResponseCache", "LookupCache", "PopulateCache", "InvalidateCache":
		return "Envoy's cache filter, or a cache before it"
	case "CORS":
		return "Envoy's cors filter"
	case "XMLToJSON", "JSONToXML", "XSL", "XSLTransform":
		return "the backend"
	case "AssignMessage":
		return "response_headers_to_add and _to_remove of Envoy's route, or the backend"
	case "GenerateJWT", "GenerateJWS", "GenerateSAMLAssertion":
		return "Envoy's credential injector, or the backend's own"
	}
	return ""
}
