package scenario

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Sayer is a Driver that can do more than play requests: what a file says with a
// word of Setup.Words. A driver without this method plays no such file.
type Sayer interface {
	Driver
	// Unsayable is why the driver cannot do what the word asks for in this
	// scenario; "" when it can.
	Unsayable(s Setup, word string) (reason string)
}

// Unsayable says that a file asks for what its driver cannot do. Such a file is
// skipped: it is neither right nor wrong.
type Unsayable struct {
	Driver, Word, Reason string
}

func (e *Unsayable) Error() string {
	return fmt.Sprintf("%s is not sayable on %s: %s", e.Word, e.Driver, e.Reason)
}

// Skipped is why Run did not play a file, when its error is an *Unsayable.
func Skipped(err error) (reason string, skipped bool) {
	var u *Unsayable
	if errors.As(err, &u) {
		return u.Error(), true
	}
	return "", false
}

// Words are those with which the file asks its driver for more than requests
// and answers, such as "settings vm_id". "cluster NAME" is one that answers gRPC.
func (s *Setup) Words() []string {
	var words []string
	for _, key := range s.Settings.given {
		words = append(words, "settings "+key)
	}
	if s.Upstream.Fault != "" {
		words = append(words, "upstream fault")
	}
	for _, p := range s.Plugins {
		words = append(words, "plugin "+p.Name)
	}
	for _, p := range s.Properties {
		words = append(words, "properties "+p.Path)
	}
	for _, name := range slices.Sorted(maps.Keys(s.Clusters)) {
		if s.Clusters[name].GRPC {
			words = append(words, "cluster "+name)
		}
	}
	for _, h := range s.Hostcalls {
		words = append(words, "hostcall "+h.Name)
	}
	if s.WatchHostcalls {
		words = append(words, "hostcalls")
	}
	return append(words, s.later...)
}

// AnswersHostcalls is whether the file ever has a hostcall answered otherwise.
func (s *Setup) AnswersHostcalls() bool {
	return slices.ContainsFunc(s.Words(), func(word string) bool { return strings.HasPrefix(word, "hostcall ") })
}

// sayable is an *Unsayable for the first word that the driver cannot follow.
func sayable(d Driver, s Setup) error {
	for _, word := range s.Words() {
		reason := "the driver knows no such thing"
		if sayer, ok := d.(Sayer); ok {
			reason = sayer.Unsayable(s, word)
		}
		if reason != "" {
			return &Unsayable{Driver: d.Name(), Word: word, Reason: reason}
		}
	}
	return nil
}
