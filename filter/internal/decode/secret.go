package decode

import (
	"strconv"

	"github.com/sallyport-gateway/sallyport/filter/internal/secret"
)

const (
	maxCredential  = 4096 // bytes of a client secret
	maxEnvNameSize = 128
)

var secretMembers = Members{Names: []string{"env", "inline"}, Private: true}

// Secret reads {env: NAME} or {inline: TEXT}: what RFC 6749 appendix A.2 allows
// as a client secret. No problem shows more of it than the name of a variable.
func (r *Reader) Secret(v Value) (s secret.Value) {
	r.SecretText(v, func(text, where string) { s = r.credential(text, where) })
	return s
}

// SecretText passes take the text of a secret, and where it comes from, to
// append to a problem's message; take must not show the text.
func (r *Reader) SecretText(v Value, take func(text, where string)) {
	if !v.IsObject() {
		r.Wrong(v, "{env: NAME} or {inline: SECRET}", "")
		return
	}
	count := 0
	r.Object(v, &secretMembers, func(name string, v Value) {
		count++
		switch name {
		case "env":
			r.secretFromEnv(v, take)
		case "inline":
			if text, ok := r.Text(v); ok {
				take(text, "")
			}
		}
	})
	if count != 1 {
		r.Problem("must be either {env: NAME} or {inline: SECRET}")
	}
}

func (r *Reader) secretFromEnv(v Value, take func(text, where string)) {
	name, ok := r.Text(v)
	if !ok {
		return
	}
	if !envName(name) {
		r.Problem("must be the name of an environment variable, made of letters, digits and \"_\" (what is there is not shown because it could be the secret)")
		return
	}
	text, ok := r.env(name)
	if !ok {
		r.Problem("names the environment variable " + name + ", which is not set in the VM; give it to the VM (vm_config.environment_variables) and to the proxy")
		return
	}
	take(text, " in the environment variable "+name)
}

func envName(s string) bool {
	return len(s) <= maxEnvNameSize && Spelled(s, "_") && s[0] > '9'
}

// credential accepts what RFC 6749 appendix A.2 allows as a client secret.
func (r *Reader) credential(text, where string) secret.Value {
	switch {
	case text == "":
		r.Problem("must not be an empty secret" + where)
	case len(text) > maxCredential:
		r.Problem("must be a secret of at most " + strconv.Itoa(maxCredential) + " bytes" + where)
	case !inRange(text, ' ', '~'):
		remedy := ""
		if last := text[len(text)-1]; last == '\n' || last == '\r' {
			remedy = "; it ends with a line break"
		}
		r.Problem("must be a secret of printable ASCII" + where + remedy)
	default:
		return secret.New(text)
	}
	return secret.Value{}
}
