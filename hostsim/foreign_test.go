package hostsim_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"strings"
	"testing"

	"github.com/sallyport-gateway/sallyport/hostsim"
	"github.com/sallyport-gateway/sallyport/hostsim/internal/wire"
)

// fields is a protobuf message of length-delimited fields, field number and value in turn.
func fields(kv ...any) string {
	var b []byte
	for i := 0; i+1 < len(kv); i += 2 {
		b = wire.AppendBytesField(b, uint64(kv[i].(int)), kv[i+1].([]byte))
	}
	return hex.EncodeToString(b)
}

// foreignResults calls foreign functions, "NAME HEX" each, in a request.
func foreignResults(t *testing.T, calls []string, more ...hostsim.Option) []string {
	t.Helper()
	var ops []string
	for _, c := range calls {
		ops = append(ops, "hex "+c)
	}
	_, e := do(t, newHost(t, script(ops...), more...), hostsim.Request{})
	var results []string
	for _, l := range e.Log {
		if _, r, ok := strings.Cut(l.Message, " -> "); ok {
			results = append(results, r)
		}
	}
	return results
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// TestForeignSignatures has what Envoy 1.40.0 answered for the same arguments.
func TestForeignSignatures(t *testing.T) {
	text := []byte("hello")
	digest := sha256.Sum256(text)
	r := must(rsa.GenerateKey(rand.Reader, 2048))
	rPub := must(x509.MarshalPKIXPublicKey(&r.PublicKey))
	rSig := must(rsa.SignPKCS1v15(nil, r, crypto.SHA256, digest[:]))
	r8 := must(x509.MarshalPKCS8PrivateKey(r))
	e := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	ePub, eSig := must(x509.MarshalPKIXPublicKey(&e.PublicKey)), must(ecdsa.SignASN1(rand.Reader, e, digest[:]))
	edPub, edKey, _ := ed25519.GenerateKey(rand.Reader)
	edDER, ed8 := must(x509.MarshalPKIXPublicKey(edPub)), must(x509.MarshalPKCS8PrivateKey(edKey))
	pemOf := func(kind string, der []byte) []byte {
		return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
	}
	h := []byte("sha256")
	says := func(field int, text string) string { return "0 " + fields(field, []byte(text)) }
	const failed, noInit = "Failed to verify digest. Error code: 0", "Failed to initialize digest verify."
	const noKey, corrupt = "Invalid key type: private key required for signing operation.", "Invalid private key: key data is corrupted or malformed."
	for _, tt := range []struct{ name, call, want string }{
		{"RSA", "verify_signature " + fields(1, h, 2, rPub, 3, rSig, 4, text), "0 0801"},
		{"hash in upper case", "verify_signature " + fields(1, []byte("SHA256"), 2, rPub, 3, rSig, 4, text), "0 0801"},
		{"other hash", "verify_signature " + fields(1, []byte("sha224"), 2, rPub, 3, rSig, 4, text), says(2, failed)},
		{"cut signature", "verify_signature " + fields(1, h, 2, rPub, 3, rSig[1:], 4, text), says(2, failed)},
		{"PSS", "verify_signature " + fields(1, h, 2, rPub, 3, must(rsa.SignPSS(rand.Reader, r, crypto.SHA256, digest[:], nil)), 4, text), says(2, failed)},
		{"unknown hash", "verify_signature " + fields(1, []byte("md5"), 2, rPub, 3, rSig, 4, text), says(2, "md5 is not supported.")},
		{"no hash", "verify_signature " + fields(2, rPub, 3, rSig, 4, text), says(2, " is not supported.")},
		{"ECDSA", "verify_signature " + fields(1, h, 2, ePub, 3, eSig, 4, text), "0 0801"},
		{"ECDSA with a byte behind", "verify_signature " + fields(1, h, 2, ePub, 3, append(eSig[:len(eSig):len(eSig)], 0), 4, text), says(2, failed)},
		{"Ed25519", "verify_signature " + fields(1, h, 2, edDER, 3, ed25519.Sign(edKey, text), 4, text), says(2, noInit)},
		{"junk key", "verify_signature " + fields(1, h, 2, []byte("junk"), 3, rSig, 4, text), says(2, noInit)},
		{"key with a byte behind", "verify_signature " + fields(1, h, 2, append(rPub[:len(rPub):len(rPub)], 0), 3, rSig, 4, text), "0 0801"},
		{"PKCS 1 key", "verify_signature " + fields(1, h, 2, x509.MarshalPKCS1PublicKey(&r.PublicKey), 3, rSig, 4, text), says(2, noInit)},
		{"PEM key", "verify_signature " + fields(1, h, 5, pemOf("PUBLIC KEY", rPub), 3, rSig, 4, text), "0 0801"},
		{"two keys", "verify_signature " + fields(1, h, 2, rPub, 5, pemOf("PUBLIC KEY", rPub), 3, rSig, 4, text), "2 "},
		{"no message", "verify_signature 08", "2 "},
		{"sign RSA", "sign " + fields(1, h, 2, r8, 3, text), "0 0801" + fields(2, rSig)},
		{"sign with PEM", "sign " + fields(1, h, 4, pemOf("PRIVATE KEY", r8), 3, text), "0 0801" + fields(2, rSig)},
		{"sign with PKCS 1 in PEM", "sign " + fields(1, h, 4, pemOf("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(r)), 3, text), "0 0801" + fields(2, rSig)},
		{"sign with PKCS 1", "sign " + fields(1, h, 2, x509.MarshalPKCS1PrivateKey(r), 3, text), says(3, noKey)},
		{"sign with Ed25519", "sign " + fields(1, h, 2, ed8, 3, text), says(3, corrupt)},
		{"sign with unknown hash", "sign " + fields(1, []byte("md5"), 2, r8, 3, text), says(3, "md5 is not supported.")},
		{"sign without a key", "sign " + fields(1, h, 3, text), "2 "},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := foreignResults(t, []string{tt.call})
			if len(got) != 1 || got[0] != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
	// An ECDSA signature is never twice the same: it must verify.
	got := foreignResults(t, []string{"sign " + fields(1, h, 2, must(x509.MarshalPKCS8PrivateKey(e)), 3, text)})
	result := must(hex.DecodeString(strings.TrimPrefix(got[0], "0 ")))
	if parsed, ok := wire.ParseMessage(result); !ok || len(parsed) != 2 || !ecdsa.VerifyASN1(&e.PublicKey, digest[:], parsed[1].Bytes) {
		t.Errorf("ECDSA signature %q", got)
	}
	if got := foreignResults(t, []string{"sign " + fields(1, h, 2, r8, 3, text)}, hostsim.WithProfile("1.36")); got[0] != "1 " {
		t.Errorf("sign on 1.36: %q, want NotFound", got)
	}
}

func TestForeignZlib(t *testing.T) {
	packed := strings.TrimPrefix(foreignResults(t, []string{"compress 68656c6c6f68656c6c6f"})[0], "0 ")
	got := foreignResults(t, []string{"uncompress " + packed, "uncompress 789c", "uncompress 00", "uncompress ", "uncompress 789c030000000001", "uncompress 789ccb48cdc9c9cf00110016bc0429"})
	if s := strings.Join(got, ","); s != "0 68656c6c6f68656c6c6f,3 ,3 ,3 ,0 ,0 68656c6c6f68656c6c6f" {
		t.Errorf("got %s", s)
	}
}

// TestForeignFilterState has what Envoy 1.40.0 answered.
func TestForeignFilterState(t *testing.T) {
	set := func(name, value string) string {
		return "hex set_envoy_filter_state " + fields(1, []byte(name), 2, []byte(value))
	}
	h := newHost(t, script("hex set_envoy_filter_state ", set("abc", "x"), set("envoy.string", "abc"), "prop filter_state.envoy,string",
		set("envoy.upstream.dynamic_port", "x"), set("envoy.upstream.dynamic_port", "80"), set("envoy.network.ip", "127.0.0.1"), set("envoy.network.ip", "127.0.0.1:80"),
		"prop filter_state.envoy,network,ip", set("envoy.network.application_protocols", "h2"), "prop filter_state.envoy,network,application_protocols",
		set("envoy.tcp_proxy.disable_tunneling", "yes"), "prop filter_state.envoy,tcp_proxy,disable_tunneling", "foreign clear_route_cache x", "hex expr_create 31")+
		"\nconfigure: "+set("envoy.string", "abc")+"; "+set("abc", "x"))
	_, e := do(t, h, hostsim.Request{})
	wantResults(t, func(op string) string { return result(t, e.Log, op) }, map[string]string{
		"hex set_envoy_filter_state": "1 ", set("abc", "x"): "1 ", set("envoy.string", "abc"): "0 ", "prop filter_state.envoy,string": `0 "abc"`,
		set("envoy.upstream.dynamic_port", "x"): "2 ", set("envoy.upstream.dynamic_port", "80"): "0 ", set("envoy.network.ip", "127.0.0.1"): "0 ",
		set("envoy.network.ip", "127.0.0.1:80"): "2 ", "prop filter_state.envoy,network,ip": `0 "127.0.0.1:0"`, set("envoy.network.application_protocols", "h2"): "0 ",
		"prop filter_state.envoy,network,application_protocols": "1", "prop filter_state.envoy,tcp_proxy,disable_tunneling": `0 "false"`,
		"foreign clear_route_cache x": `0 ""`, "hex expr_create 31": "1 ",
	})
	wantResults(t, func(op string) string { return result(t, h.Log(), op) }, map[string]string{set("envoy.string", "abc"): "1 "})
	if string(e.FilterState["envoy.string"]) != "abc" {
		t.Errorf("filter state %q", e.FilterState)
	}
}

func TestDeclareProperty(t *testing.T) {
	h := newHost(t, "configure: hex declare_property 0a016210011801; hex declare_property 0a0162; hex declare_property 08\n"+
		script("setprop b 1", "setprop b 2", "prop b", "setprop c 1", "setprop c 2", "hex declare_property 0a01631001", "setprop c 3"))
	_, e := do(t, h, hostsim.Request{})
	wantResults(t, func(op string) string { return result(t, e.Log, op) }, map[string]string{
		"setprop b 1": "0", "setprop b 2": "2", "prop b": `0 "1"`, "setprop c 2": "0", "hex declare_property 0a01631001": "0 ", "setprop c 3": "0"})
	wantResults(t, func(op string) string { return result(t, h.Log(), op) }, map[string]string{
		"hex declare_property 0a016210011801": "0 ", "hex declare_property 0a0162": "2 ", "hex declare_property 08": "2 "})
}
