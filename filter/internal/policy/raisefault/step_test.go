package raisefault

import (
	"testing"

	"github.com/sallyport-gateway/sallyport/filter/internal/denial"
	"github.com/sallyport-gateway/sallyport/filter/internal/pipeline"
)

func TestRaiseFaultRefuses(t *testing.T) {
	shape := &denial.Shape{Status: 402}
	s := New(shape)
	d, denied := s.Apply(&pipeline.Exchange{}).Denial()
	if !denied || d.Reason != denial.FaultRaised || d.Shape != shape || s.Name() != "raise_fault" {
		t.Errorf("%v %+v", denied, d)
	}
	if excused := pipeline.ContinueOnError(s).Apply(&pipeline.Exchange{}); excused.Continues() {
		t.Error("on_error: continue lets a raised fault pass")
	}
}

func TestRaiseFaultReasons(t *testing.T) {
	for word, want := range map[string]int{
		"api_key.missing": 1, "raise_fault.raised": 1, "dpop.*": 8, "*": denial.ReasonCount, "internal.error": 1,
		"": 0, "api_key": 0, "api_key.": 0, "api_key.*x": 0, ".*": 0, "*.missing": 0, "token": 0, "tok*": 0, "token.missing.*": 0,
	} {
		if got := len(Reasons(word)); got != want {
			t.Errorf("%q: %d reasons, want %d", word, got, want)
		}
	}
}

func TestRaiseFaultRules(t *testing.T) {
	first, second, common, own := &denial.Shape{Status: 1}, &denial.Shape{Status: 2}, &denial.Shape{Status: 3}, &denial.Shape{Status: 4}
	api, document := &Faults{}, &Faults{}
	api.Rule(denial.APIKeyMissing, first)
	api.Rule(denial.APIKeyMissing, second)
	for _, r := range Reasons("*") {
		document.Rule(r, common)
	}
	both := api.Before(document)
	for _, tt := range []struct {
		faults *Faults
		denial denial.Denial
		want   *denial.Shape
	}{
		{api, denial.Denial{Reason: denial.APIKeyMissing}, first},
		{api, denial.Denial{Reason: denial.APIKeyUnknown}, nil},
		{both, denial.Denial{Reason: denial.APIKeyMissing}, first},
		{both, denial.Denial{Reason: denial.APIKeyUnknown}, common},
		{both, denial.Denial{Reason: denial.FaultRaised, Shape: own}, own},
		{both, denial.Denial{Reason: 255}, nil},
		{(*Faults)(nil).Before(document), denial.Denial{}, common},
		{(*Faults)(nil).Before(nil), denial.Denial{}, nil},
	} {
		d := tt.denial
		if tt.faults.Shape(nil, &d); d.Shape != tt.want {
			t.Errorf("%s: %v, want %v", d.Reason, d.Shape, tt.want)
		}
	}
	if api.next != nil {
		t.Error("Before changed the faults")
	}
}
