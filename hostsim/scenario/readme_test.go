package scenario

import (
	"os"
	"strings"
	"testing"
)

// wordExamples are files that the drivers' tests play.
var wordExamples = []string{"grpc/unary.txtar", "settings/policy_reload.txtar", "hostcalls/fails.txtar", "properties/metadata.txtar", "plugin/two.txtar", "traffic/beside.txtar", "connection/call.txtar"}

// The example in the README is the file that the tests run, and its tables name
// every fault, section and noise header.
func TestReadmeIsTrue(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	example, err := os.ReadFile("testdata/allowed.txtar")
	if err != nil {
		t.Fatal(err)
	}
	wanted := []string{"```\n" + string(example) + "```\n"}
	for _, name := range wordExamples {
		text, err := os.ReadFile("envoydriver/testdata/" + name)
		if err != nil {
			t.Fatal(err)
		}
		wanted = append(wanted, "```\n"+string(text)+"```\n")
	}
	for _, key := range strings.Split(settingKeys, ", ") {
		wanted = append(wanted, "`"+key+"`")
	}
	for _, word := range strings.Split(faultWords, ", ") {
		wanted = append(wanted, "| `fault: "+word+"` |")
	}
	for _, word := range strings.Split(sectionWords, ", ") {
		wanted = append(wanted, "| `"+word+"`")
	}
	for name := range noise {
		wanted = append(wanted, "`"+name+"`")
	}
	for _, want := range wanted {
		if !strings.Contains(string(readme), want) {
			t.Errorf("README.md lacks %q", want)
		}
	}
}
