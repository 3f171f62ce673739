// Command guest makes and checks signatures for benchmarks. Its configuration is
// {"keys": {ALG: private JWK}}; a request for /ALG/OPERATION/COUNT does the
// operation that often and answers 200, or 500 when it fails once.
package main

import (
	"strconv"
	"strings"

	"github.com/tetratelabs/proxy-wasm-go-sdk/proxywasm/types"
	"github.com/tidwall/gjson"

	"github.com/sallyport-gateway/sallyport/filter/internal/abi"
	"github.com/sallyport-gateway/sallyport/filter/internal/jose"
)

func init() { abi.SetVMContext(&vm{}) }

func main() {}

type vm struct{ types.DefaultVMContext }

func (*vm) NewPluginContext(id uint32) types.PluginContext {
	p := &plugin{id: id, keys: map[string]*jose.PrivateKey{}, messages: map[string]*jose.Message{}}
	abi.HandleStreams(streams{p})
	return p
}

type plugin struct {
	types.DefaultPluginContext
	id       uint32
	keys     map[string]*jose.PrivateKey
	messages map[string]*jose.Message
}

// payload is as long as that of an access token.
var payload = []byte(`{"sub":"` + strings.Repeat("x", 420) + `"}`)

func (p *plugin) OnPluginStart(int) types.OnPluginStartStatus {
	data, status := abi.PluginConfiguration()
	if status != abi.OK {
		return types.OnPluginStartStatusFailed
	}
	good := true
	gjson.ParseBytes(data).Get("keys").ForEach(func(name, jwk gjson.Result) bool {
		key, err := jose.ParsePrivateKey(jwk.Raw)
		if err != nil {
			good = false
			return false
		}
		token, err := key.Sign("k1", "", payload, nil)
		if err != nil {
			good = false
			return false
		}
		p.keys[name.Str] = key
		p.messages[name.Str], err = jose.Parse(token)
		good = err == nil
		return good
	})
	return types.OnPluginStartStatus(good)
}

// streams are abi.Streams of the one plugin instance: it answers every request
// as it comes.
type streams struct{ plugin *plugin }

func (streams) Open(uint32, uint32)     {}
func (streams) Body(uint32) bool        { return true }
func (streams) Trailers(uint32) bool    { return true }
func (streams) Log(uint32)              {}
func (s streams) Delete(id uint32) bool { return id != s.plugin.id }

func (s streams) Headers(uint32) bool {
	path := ""
	headers, _ := abi.Request()
	for _, h := range headers {
		if h.Name == ":path" {
			path = h.Value
		}
	}
	parts := strings.Split(path, "/")
	status := 500
	if len(parts) == 4 {
		count, err := strconv.Atoi(parts[3])
		if err == nil && s.plugin.run(parts[1], parts[2], count) {
			status = 200
		}
	}
	abi.SendLocalResponse(status, "", nil, nil, 0)
	return false
}

func (p *plugin) run(alg, operation string, count int) bool {
	key, message := p.keys[alg], p.messages[alg]
	if key == nil {
		return false
	}
	for range count {
		good := true
		switch operation {
		case "check":
			good = key.Public().Verify(message, nil)
		case "check_by_host":
			good = key.Public().Verify(message, hostOnly)
		case "sign":
			_, err := key.Sign("k1", "", payload, nil)
			good = err == nil
		case "sign_by_host":
			_, err := key.Sign("k1", "", payload, hostOnly)
			good = err == nil
		default:
			good = false
		}
		if !good {
			return false
		}
	}
	return true
}

// hostOnly fails the operation where the host cannot do it: the guest's own code
// must not be measured for the host's.
func hostOnly(function string, argument []byte) ([]byte, bool) {
	result, status := abi.CallForeign(function, argument)
	if status != abi.OK {
		panic("the host has no " + function)
	}
	return result, true
}
