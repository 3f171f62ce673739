// Package junit writes test results as the XML that CI systems read.
package junit

import (
	"encoding/xml"
	"fmt"
	"io"
	"time"
)

// Outcome of a case.
type Outcome int

// The outcomes. Failed: the guest did something other than expected. Broken: the case could not be played.
const (
	Passed Outcome = iota
	Failed
	Broken
	Skipped
)

// Case is one result. Message is a line, Text the whole story; a skipped case has only a Message.
type Case struct {
	Name, File    string
	Took          time.Duration
	Outcome       Outcome
	Message, Text string
}

type suites struct {
	XMLName xml.Name `xml:"testsuites"`
	Suites  []suite  `xml:"testsuite"`
}

type suite struct {
	Name     string     `xml:"name,attr"`
	Tests    int        `xml:"tests,attr"`
	Failures int        `xml:"failures,attr"`
	Errors   int        `xml:"errors,attr"`
	Skipped  int        `xml:"skipped,attr"`
	Time     string     `xml:"time,attr"`
	Cases    []testcase `xml:"testcase"`
}

type testcase struct {
	Name    string  `xml:"name,attr"`
	Class   string  `xml:"classname,attr"`
	File    string  `xml:"file,attr"`
	Time    string  `xml:"time,attr"`
	Failure *detail `xml:"failure"`
	Error   *detail `xml:"error"`
	Skipped *detail `xml:"skipped"`
}

type detail struct {
	Message string `xml:"message,attr"`
	Text    string `xml:",chardata"`
}

// Write writes one suite. Characters that XML cannot hold become U+FFFD.
func Write(w io.Writer, name string, cases []Case) error {
	s := suite{Name: name, Tests: len(cases)}
	var total time.Duration
	for _, c := range cases {
		total += c.Took
		t := testcase{Name: c.Name, Class: name, File: c.File, Time: seconds(c.Took)}
		d := &detail{c.Message, c.Text}
		switch c.Outcome {
		case Passed:
		case Failed:
			t.Failure = d
			s.Failures++
		case Skipped:
			t.Skipped = d
			s.Skipped++
		default:
			t.Error = d
			s.Errors++
		}
		s.Cases = append(s.Cases, t)
	}
	s.Time = seconds(total)
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	e := xml.NewEncoder(w)
	e.Indent("", "  ")
	if err := e.Encode(suites{Suites: []suite{s}}); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.3f", d.Seconds()) }
