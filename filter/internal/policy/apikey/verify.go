// Package apikey implements the steps verify_api_key and remove_api_key:
// Apigee's VerifyAPIKey, and the AssignMessage that keeps the key from the
// backend.
//
// Keys are known only by their SHA-256. A key must come exactly once, over all
// places in which it may come: if there were two, the backend might read the
// other one.
package apikey

import (
	"time"

	"github.com/sallyport-gateway/sallyport/filter/internal/catalog"
	"github.com/sallyport-gateway/sallyport/filter/internal/denial"
	"github.com/sallyport-gateway/sallyport/filter/internal/ipaddr"
	"github.com/sallyport-gateway/sallyport/filter/internal/pipeline"
	"github.com/sallyport-gateway/sallyport/filter/internal/policy"
	"github.com/sallyport-gateway/sallyport/filter/internal/siphash"
)

// MaxKeyBytes bounds a key that is looked up. A longer one is unknown; it is
// not hashed first.
const MaxKeyBytes = 512

type verify struct {
	catalog *catalog.Catalog
	places  []policy.Place
	missing denial.Denial
	known   known
}

// NewVerify makes the step that requires a key in one of the places that grants
// the called operation, and fills the exchange's Caller. Without places no key
// is ever found.
func NewVerify(c *catalog.Catalog, places []policy.Place) pipeline.Step {
	v := &verify{catalog: c, places: distinct(places), known: known{secret: siphash.NewKey()}}
	v.missing.Reason = denial.APIKeyMissing
	if len(v.places) > 0 {
		v.missing.Text = "Failed to resolve API Key variable " + variable(v.places[0])
	}
	return v
}

// Name implements pipeline.Step.
func (v *verify) Name() string { return "verify_api_key" }

// Apply implements pipeline.Step.
func (v *verify) Apply(x *pipeline.Exchange) pipeline.Outcome {
	presentedKey, count := presented(x, v.places)
	switch {
	case count == 0:
		return pipeline.DenyWith(&v.missing)
	case count > 1:
		return pipeline.DenyFor(denial.APIKeyAmbiguous)
	case presentedKey == "" || len(presentedKey) > MaxKeyBytes:
		return pipeline.DenyFor(denial.APIKeyUnknown)
	}
	app, key := v.known.find(v.catalog, presentedKey)
	if key == nil {
		return pipeline.DenyFor(denial.APIKeyUnknown)
	}
	x.KeyOwner = pipeline.KeyOwner{App: app.Name, KeyID: key.ID}
	if refusal, refused := standing(app, key, x.Now); refused {
		return pipeline.DenyFor(refusal)
	}
	if len(app.AllowedIPs) > 0 && !ipaddr.Any(app.AllowedIPs, x.ClientAddress()) {
		return pipeline.DenyFor(denial.AppAddressNotAllowed)
	}
	product, ok := v.catalog.Grant(app, x.API.Name, x.API.Version, x.Method, x.API.PathSuffix)
	if !ok {
		return pipeline.DenyFor(denial.APIKeyNotGranted)
	}
	x.Caller = pipeline.Caller{
		App:           app.Name,
		Developer:     app.Developer,
		Product:       product.Name,
		KeyID:         key.ID,
		TokenClients:  app.TokenClients,
		ProductScopes: product.Scopes,

		AppAttributes:     app.Attributes,
		ProductAttributes: product.Attributes,
	}
	return pipeline.Continue()
}

// standing says why key and app may not call anything at all, in Apigee's order
// (apid/apidVerifyApiKey, performValidations; expiry next to the key's status).
func standing(app *catalog.App, key *catalog.Key, now int64) (r denial.Reason, refused bool) {
	switch {
	case key.Status != catalog.Approved:
		return denial.APIKeyNotApproved, true
	case key.Expires != 0 && now/int64(time.Second) >= key.Expires:
		return denial.APIKeyExpired, true
	case app.Status != catalog.Approved:
		return denial.AppNotApproved, true
	}
	return 0, false
}

var _ pipeline.Step = (*verify)(nil)
