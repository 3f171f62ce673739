package config

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"path/filepath"
	"regexp"
	"sync"
	"testing"

	"golang.org/x/tools/txtar"
)

// anyEnv has every variable, and a key in PRIVATE_KEY.
func anyEnv(name string) (string, bool) {
	if name == "PRIVATE_KEY" {
		return privateKeyPEM(), true
	}
	return "test-secret", true
}

var privateKeyPEM = sync.OnceValue(func() string {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		panic(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
})

// accepted are configurations that Load takes: those of the fixtures, and of the scenarios that all drivers play.
func accepted(t *testing.T) map[string]any {
	t.Helper()
	found := map[string]any{}
	add := func(name string, data []byte) {
		var document any
		if _, problems := Load(data, anyEnv); len(problems) > 0 {
			return
		}
		if err := json.Unmarshal(data, &document); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		found[name] = document
	}
	for _, file := range fixtureFiles(t) {
		add(file, readFixture(t, file).data)
	}
	scenarios, err := filepath.Glob("../../../testdata/scenarios/*/*.txtar")
	if err != nil || len(scenarios) == 0 {
		t.Fatalf("no scenarios: %v", err)
	}
	for _, file := range scenarios {
		archive, err := txtar.ParseFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, section := range archive.Files {
			if section.Name == "config.patch.yaml" {
				add(file, withoutVariables(patchedFile(t, "../../../testdata/scenarios/base.yaml", section.Data)))
			}
		}
	}
	return found
}

// withoutVariables puts something in the place of a scenario's ${cluster.okta} and ${sha256:a-key}.
func withoutVariables(data []byte) []byte {
	text := regexp.MustCompile(`\$\{cluster\.(\w+)\}`).ReplaceAll(data, []byte("$1"))
	return regexp.MustCompile(`\$\{sha256:[^}]*\}`).ReplaceAllFunc(text, func(variable []byte) []byte {
		digest := sha256.Sum256(variable)
		return []byte(hex.EncodeToString(digest[:]))
	})
}

func TestSchemaTakesWhatTheDecoderTakes(t *testing.T) {
	schema, documents := compiledSchema(t), accepted(t)
	for name, document := range documents {
		if err := schema.Validate(document); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if len(documents) < 100 {
		t.Errorf("only %d configurations were found", len(documents))
	}
}
