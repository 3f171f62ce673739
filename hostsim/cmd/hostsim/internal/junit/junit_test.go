package junit_test

import (
	"bytes"
	"encoding/xml"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport-gateway/sallyport/hostsim/cmd/hostsim/internal/junit"
)

func TestWrite(t *testing.T) {
	var b bytes.Buffer
	err := junit.Write(&b, "hostsim", []junit.Case{
		{Name: "key/good", File: "s/key/good.txtar", Took: 1500 * time.Microsecond},
		{Name: "key/bad", File: "s/key/bad.txtar", Took: time.Second, Outcome: junit.Failed, Message: `want <"401">`, Text: "- 401\n+ 200\x00\x1b\n"},
		{Name: "broken", Outcome: junit.Broken, Message: "no host"},
		{Name: "later", Outcome: junit.Skipped, Message: "not here"},
	})
	if err != nil {
		t.Fatal(err)
	}
	const want = `<?xml version="1.0" encoding="UTF-8"?>
<testsuites>
  <testsuite name="hostsim" tests="4" failures="1" errors="1" skipped="1" time="1.002">
    <testcase name="key/good" classname="hostsim" file="s/key/good.txtar" time="0.002"></testcase>
    <testcase name="key/bad" classname="hostsim" file="s/key/bad.txtar" time="1.000">
      <failure message="want &lt;&#34;401&#34;&gt;">- 401&#xA;+ 200` + "\uFFFD\uFFFD" + `&#xA;</failure>
    </testcase>
    <testcase name="broken" classname="hostsim" file="" time="0.000">
      <error message="no host"></error>
    </testcase>
    <testcase name="later" classname="hostsim" file="" time="0.000">
      <skipped message="not here"></skipped>
    </testcase>
  </testsuite>
</testsuites>
`
	if diff := cmp.Diff(want, b.String()); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	var any struct {
		Inner string `xml:",innerxml"`
	}
	if err := xml.Unmarshal(b.Bytes(), &any); err != nil || !strings.Contains(any.Inner, "testcase") {
		t.Errorf("not readable again: %v", err)
	}
}
