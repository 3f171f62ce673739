package document

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"fmt"
	"sync"

	"github.com/go-jose/go-jose/v4"
)

// AnyVariable stands in for what an environment variable of the VM holds, which
// we cannot know: a text that is good as a secret and as a private key. Nobody
// else has this key.
var AnyVariable = sync.OnceValue(func() string {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(fmt.Sprintf("make a key: %v", err))
	}
	text, err := jose.JSONWebKey{Key: key}.MarshalJSON()
	if err != nil {
		panic(fmt.Sprintf("write a key: %v", err))
	}
	return string(text)
})
