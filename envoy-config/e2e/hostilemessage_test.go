package e2e

import (
	"strconv"
	"strings"
)

// hostileMessages are requests whose end or shape two sides may see differently.
func hostileMessages() []hostileCase {
	length := "content-length: " + strconv.Itoa(len(inner))
	chunked := "transfer-encoding: chunked"
	whole := strconv.FormatInt(int64(len(inner)), 16) + "\r\n" + inner + "\r\n0\r\n\r\n"
	many := make([]string, 10_000)
	for i := range many {
		many[i] = "x-h-" + strconv.Itoa(i) + ": 1"
	}
	return []hostileCase{
		{"a body that looks like a request", post1(inner, length), served, served},
		{"chunks that look like a request", post1(whole, chunked), served, served},
		{"both lengths, CL.TE", post1("0\r\n\r\n"+inner, "content-length: 5", chunked), "400", "400"},
		{"both lengths, TE.CL", post1(whole, chunked, "content-length: 4"), "400", "400"},
		{"two lengths", post1(inner, length, "content-length: 0"), "400", "400"},
		{"two equal lengths", post1(inner, length, length), "400", "400"},
		{"two lengths in one", post1(inner, length+", 0"), "400", "400"},
		{"a length with a sign", post1(inner, "content-length: +"+strconv.Itoa(len(inner))), "400", "400"},
		{"a negative length", post1(inner, "content-length: -1"), "400", "400"},
		{"a length in hex", post1(inner, "content-length: 0x10"), "400", "400"},
		{"a length beyond 64 bits", post1(inner, "content-length: 18446744073709551617"), "400", "400"},
		{"chunked twice", post1(whole, chunked, chunked), "501", "501"},
		{"chunked and identity", post1(whole, "transfer-encoding: chunked, identity"), "501", "501"},
		{"xchunked", post1(whole, "transfer-encoding: xchunked"), "501", "501"},
		{"chunked with a tab", post1(whole, "transfer-encoding:\tchunked"), served, served},
		{"chunked with a trailing word", post1(whole, "transfer-encoding: chunked x"), "501", "501"},
		{"a blank before the colon", post1(whole, "transfer-encoding : chunked"), "400", "400"},
		{"a folded header", post1(whole, "x: y\r\n transfer-encoding: chunked"), served, served},
		{"a line end in a value", post1(inner, "x: y\rtransfer-encoding: chunked", length), served, served},
		{"a zero in a value", get1("/public/x", "x: a\x00b"), "400", "400"},
		{"a zero in a name", get1("/public/x", "x\x00y: a"), "400", "400"},
		{"an empty name", get1("/public/x", ": a"), "400", "400"},
		{"a chunk length with a sign", post1("+"+whole, chunked), "400", "400"},
		{"a chunk length with a blank", post1(strings.Replace(whole, "\r\n", " \r\n", 1), chunked), served, served},
		{"a chunk extension", post1(strings.Replace(whole, "\r\n", ";a=b\r\n", 1), chunked), served, served},
		{"a chunk extension with a line feed", post1(strings.Replace(whole, "\r\n", ";\n", 1), chunked), "400", "400"},
		{"a chunk length beyond 64 bits", post1("10000000000000000"+whole, chunked), "400", "400"},
		{"HTTP/1.0 with chunks", strings.Replace(post1(whole, chunked), "HTTP/1.1", "HTTP/1.0", 1), "426", "426"},
		{"a GET with a body", get1("/public/x", length) + inner, served, served},
		{"an upgrade", get1("/public/x", "connection: upgrade", "upgrade: websocket"), "403", "403"},
		{"an upgrade to h2c", get1("/public/x", "connection: upgrade, http2-settings", "upgrade: h2c", "http2-settings: AAMAAABkAAQAAP__"), served, served},
		{"a connection header that names the key", get1("/private/x", "connection: close, x-api-key"), "401", "401"},
		{"a tab after the method", "GET\t/private/x HTTP/1.1\r\nhost: api.example.com\r\n\r\n", "401", "401"},
		{"two blanks after the method", "GET  /private/x HTTP/1.1\r\nhost: api.example.com\r\n\r\n", "401", "401"},
		{"a blank in the target", "GET /public/x /private/x HTTP/1.1\r\nhost: api.example.com\r\n\r\n", "400", "400"},
		{"a method of small letters", "get /private/x HTTP/1.1\r\nhost: api.example.com\r\n\r\n", "400", "400"},
		{"no version", "GET /private/x\r\n\r\n", "426", "426"},
		{"version 0.9", "GET /private/x HTTP/0.9\r\nhost: api.example.com\r\n\r\n", "426", "426"},
		{"version 2.0 in a line", "GET /private/x HTTP/2.0\r\nhost: api.example.com\r\n\r\n", "426", "426"},
		{"line feeds alone", "GET /private/x HTTP/1.1\nhost: api.example.com\n\n", "401", "401"},
		{"an empty line in front", "\r\nGET /private/x HTTP/1.1\r\nhost: api.example.com\r\n\r\n", "401", "401"},
		{"10,000 headers", get1("/public/x", many...), "431", "431"},
		{"a header of 100 KiB", get1("/public/x", "x-long: "+strings.Repeat("a", 100<<10)), "431", "431"},
		{"200 headers", get1("/public/x", many[:200]...), "431", "431"},
		{"an underscore in a name", get1("/public/x", "x_api_key: 1"), "400", served},
		{"pipelined behind an open request", get1("/public/x") + inner, served, served},
		{"pipelined behind a refused request", get1("/private/x") + inner, "401", "401"},
	}
}
