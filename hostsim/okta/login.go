package okta

import (
	"crypto/sha256"
	"crypto/subtle"
	_ "embed"
	"html/template"
	"net/http"
	"net/url"
)

const loginPath = "/login/login.htm"

//go:embed login.html
var loginHTML string

var loginPage = template.Must(template.New("login").Parse(loginHTML))

type loginView struct {
	Request, Login string
	Refused        bool
}

// serveLogin shows the login page and takes its form. The request id in it is
// unguessable and stands for the browser's trip.
func (o *Org) serveLogin(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'")
	h.Set("Referrer-Policy", "no-referrer")
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	id := r.FormValue("request")
	if _, err := o.store.authRequest(id); err != nil {
		http.Error(w, "This login has ended. Go back to the application and start again.", http.StatusBadRequest)
		return
	}
	view := loginView{Request: id}
	if r.Method == http.MethodPost {
		view.Login = r.PostFormValue("username")
		if user, ok := o.logIn(view.Login, r.PostFormValue("password")); ok {
			if err := o.store.logIn(id, user); err == nil {
				http.Redirect(w, r, o.cfg.Issuer+"/v1/authorize/callback?id="+url.QueryEscape(id), http.StatusSeeOther)
				return
			}
		}
		view.Refused = true
		w.WriteHeader(http.StatusUnauthorized)
	}
	_ = loginPage.Execute(w, view) // an error means that the client has left
}

// logIn compares hashes, so that neither the length nor an unknown login shows in the time.
func (o *Org) logIn(login, password string) (*User, bool) {
	user, known := o.store.user(login)
	if !known {
		user = &User{}
	}
	want, got := sha256.Sum256([]byte(user.Password)), sha256.Sum256([]byte(password))
	same := subtle.ConstantTimeCompare(want[:], got[:]) == 1
	return user, known && same && user.Password != ""
}
