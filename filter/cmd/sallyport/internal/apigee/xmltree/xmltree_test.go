package xmltree_test

import (
	"strings"
	"testing"

	"golang.org/x/text/encoding/unicode"

	"github.com/sallyport-gateway/sallyport/filter/cmd/sallyport/internal/apigee/xmltree"
)

const plain = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<A name=\"x\">\n <B>é<!-- c --> &amp;</B>\n <b/>\n</A>\n"

func TestParseReadsWhatEditorsWrite(t *testing.T) {
	utf16 := func(e unicode.Endianness, bom unicode.BOMPolicy) string {
		s, err := unicode.UTF16(e, bom).NewEncoder().String(strings.Replace(plain, "UTF-8", "UTF-16", 1))
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	for name, text := range map[string]string{
		"plain": plain, "byte order mark": "\ufeff" + plain,
		"UTF-16, big end": utf16(unicode.BigEndian, unicode.UseBOM), "UTF-16, little end": utf16(unicode.LittleEndian, unicode.UseBOM),
		"UTF-16 without a mark": utf16(unicode.LittleEndian, unicode.IgnoreBOM),
		"Latin 1":               strings.Replace(strings.Replace(plain, "UTF-8", "ISO-8859-1", 1), "é", "\xe9", 1),
	} {
		n, err := new(xmltree.Reader).Parse([]byte(text))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got := n.TextAt("B"); n.Name != "A" || n.Attr("name") != "x" || got != "é &" || n.Child("b").Line != 3 || len(n.All("B")) != 2 {
			t.Errorf("%s: read %+v, B %q", name, n, got)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for name, tt := range map[string]struct{ text, want string }{
		"nothing":           {"", "line 1: the document ends too early"},
		"half":              {"<A>\n<B>", "line 2: not well-formed"},
		"entities":          {"<!DOCTYPE a [<!ENTITY x \"y\">]>\n<A>&x;</A>", "line 1: a DOCTYPE"},
		"external entity":   {"<!DOCTYPE a SYSTEM \"file:///etc/passwd\">\n<A/>", "line 1: a DOCTYPE"},
		"unknown entity":    {"<A>\n&nbsp;</A>", "line 2: an entity"},
		"two roots":         {"<A/>\n<B/>", "line 2: a second document"},
		"doubled attribute": {"<A enabled=\"true\" enabled=\"false\"/>", "line 1: an attribute that is there twice"},
		"text behind":       {"<A/>\nx", "line 2: text outside"},
		"too deep":          {strings.Repeat("<A>", 65), "deeper than 64"},
		"too many":          {"<A>" + strings.Repeat("<B/>", 50_000), "more than 50000 elements"},
		"too long":          {"<A>" + strings.Repeat(" ", xmltree.MaxBytes), "more than 2097152 bytes"},
		"unknown charset":   {"<?xml version=\"1.0\" encoding=\"EBCDIC\"?><A/>", "not well-formed"},
		"secret in a fault": {"<A>sup3rs3cret&bad", "line 1: "},
	} {
		_, err := new(xmltree.Reader).Parse([]byte(tt.text))
		if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "sup3rs3cret") {
			t.Errorf("%s: got %v, want %q", name, err, tt.want)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{plain, "<A><B a='1'/></A>", "<!DOCTYPE x>", "\xff\xfe<\x00", "<A>&#x0;</A>"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		n, err := new(xmltree.Reader).Parse(text)
		if (n == nil) == (err == nil) && err == nil {
			t.Fatal("neither a document nor an error")
		}
	})
}
