package pipeline_test

import (
	"slices"
	"testing"
	"time"

	"github.com/sallyport-gateway/sallyport/filter/internal/denial"
	"github.com/sallyport-gateway/sallyport/filter/internal/host"
	"github.com/sallyport-gateway/sallyport/filter/internal/pipeline"
)

// script is a step that writes down that it ran and answers what it is told to.
type script struct {
	name  string
	ran   *[]string
	apply func(*pipeline.Exchange) pipeline.Outcome
}

func (s script) Name() string { return s.name }

func (s script) Apply(x *pipeline.Exchange) pipeline.Outcome {
	*s.ran = append(*s.ran, s.name)
	return s.apply(x)
}

func passing(*pipeline.Exchange) pipeline.Outcome { return pipeline.Continue() }

func refusing(r denial.Reason) func(*pipeline.Exchange) pipeline.Outcome {
	return func(*pipeline.Exchange) pipeline.Outcome { return pipeline.DenyFor(r) }
}

var start = time.Unix(1_800_000_000, 0)

func TestEachStepMustContinueBeforeTheNextRuns(t *testing.T) {
	tests := []struct {
		name    string
		second  func(*pipeline.Exchange) pipeline.Outcome
		verdict pipeline.Verdict
		reason  denial.Reason
		ran     []string
	}{
		{"all continue", passing, pipeline.Admitted, denial.Internal, []string{"one", "two", "three"}},
		{"the second refuses", refusing(denial.APIKeyUnknown), pipeline.Denied, denial.APIKeyUnknown, []string{"one", "two"}},
		{"the second answers nothing", func(*pipeline.Exchange) pipeline.Outcome { return pipeline.Outcome{} }, pipeline.Denied, denial.Internal, []string{"one", "two"}},
		{"the second awaits nothing", func(*pipeline.Exchange) pipeline.Outcome { return pipeline.Await(nil, passing) }, pipeline.Denied, denial.Internal, []string{"one", "two"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var ran []string
			run := pipeline.NewSequence(script{"one", &ran, passing}, script{"two", &ran, tt.second}, script{"three", &ran, passing}).Begin()
			if got := run.Advance(&pipeline.Exchange{}, start.UnixNano(), nil); got != tt.verdict {
				t.Errorf("verdict %v, want %v", got, tt.verdict)
			}
			if got := run.Denial().Reason; got != tt.reason {
				t.Errorf("reason %v, want %v", got, tt.reason)
			}
			if !slices.Equal(ran, tt.ran) {
				t.Errorf("steps that ran %v, want %v", ran, tt.ran)
			}
		})
	}
}

func TestAwait(t *testing.T) {
	var ran []string
	flight := &pipeline.Flight{}
	run := pipeline.NewSequence(
		script{"introspect", &ran, func(*pipeline.Exchange) pipeline.Outcome {
			return pipeline.Await(flight, func(x *pipeline.Exchange) pipeline.Outcome {
				ran = append(ran, "resumed at "+time.Unix(0, x.Now).UTC().Format(time.RFC3339))
				return pipeline.Continue()
			})
		}},
		script{"after", &ran, passing},
	).Begin()
	x := &pipeline.Exchange{}
	woken := 0
	if got := run.Advance(x, start.UnixNano(), func() { woken++ }); got != pipeline.Parked {
		t.Fatalf("verdict %v, want parked", got)
	}
	if got := run.Advance(x, start.UnixNano(), func() { woken++ }); got != pipeline.Parked || flight.Waiting() != 1 {
		t.Fatalf("before the flight lands: verdict %v with %d waiting, want parked with 1", got, flight.Waiting())
	}
	flight.Land()
	flight.Land()
	if woken != 1 {
		t.Fatalf("woken %d times, want once", woken)
	}
	if got := run.Advance(x, start.Add(time.Second).UnixNano(), nil); got != pipeline.Admitted {
		t.Fatalf("verdict %v, want admitted", got)
	}
	want := []string{"introspect", "resumed at 2027-01-15T08:00:01Z", "after"}
	if !slices.Equal(ran, want) {
		t.Errorf("ran %v, want %v", ran, want)
	}
}

func TestAVerdictIsKept(t *testing.T) {
	var ran []string
	admitted := pipeline.NewSequence().Begin()
	admitted.Advance(&pipeline.Exchange{}, start.UnixNano(), nil)
	if admitted.Fail(denial.Denial{Reason: denial.TokenInactive}) {
		t.Error("an admitted run was failed")
	}
	flight := &pipeline.Flight{}
	parked := pipeline.NewSequence(script{"wait", &ran, func(*pipeline.Exchange) pipeline.Outcome { return pipeline.Await(flight, passing) }}).Begin()
	x := &pipeline.Exchange{}
	parked.Advance(x, start.UnixNano(), func() {})
	if !parked.Fail(denial.Denial{Reason: denial.IntrospectionDeadline}) {
		t.Fatal("a parked run was not failed")
	}
	flight.Land()
	if got := parked.Advance(x, start.UnixNano(), nil); got != pipeline.Denied || parked.Denial().Reason != denial.IntrospectionDeadline {
		t.Errorf("after its deadline the run became %v for %v", got, parked.Denial().Reason)
	}
}

func TestAPanicOfOneWaiterLeavesTheOthersWoken(t *testing.T) {
	flight := &pipeline.Flight{}
	var ran, woken []string
	for _, name := range []string{"a", "b", "c"} {
		run := pipeline.NewSequence(script{name, &ran, func(*pipeline.Exchange) pipeline.Outcome { return pipeline.Await(flight, passing) }}).Begin()
		run.Advance(&pipeline.Exchange{}, start.UnixNano(), func() {
			woken = append(woken, name)
			if name == "b" {
				panic("b")
			}
		})
	}
	func() {
		defer func() {
			if recover() == nil {
				t.Error("the panic was lost")
			}
		}()
		flight.Land()
	}()
	if !slices.Equal(woken, []string{"a", "b", "c"}) {
		t.Errorf("woken %v, want all three", woken)
	}
}

// TestWhoHasLeftIsForgotten: the flight keeps those who wait, in their order, and
// nothing of the others, however they mix.
func TestWhoHasLeftIsForgotten(t *testing.T) {
	flight := &pipeline.Flight{}
	var ran []string
	var woken, want []int
	runs := make([]*pipeline.Run, 100)
	for i := range runs {
		runs[i] = pipeline.NewSequence(script{"wait", &ran, func(*pipeline.Exchange) pipeline.Outcome { return pipeline.Await(flight, passing) }}).Begin()
		runs[i].Advance(&pipeline.Exchange{}, start.UnixNano(), func() { woken = append(woken, i) })
		if i%7 == 3 { // some leave while others come
			for j := i - 3; j < i; j++ {
				runs[j].Fail(denial.Denial{})
				runs[j].Fail(denial.Denial{})
			}
		}
	}
	for i := range runs {
		if !runs[i].Decided() && i%7 != 5 {
			want = append(want, i)
		}
		if i%7 == 5 {
			runs[i].Fail(denial.Denial{})
		}
	}
	if flight.Waiting() != len(want) {
		t.Errorf("%d wait, want %d", flight.Waiting(), len(want))
	}
	flight.Land()
	if !slices.Equal(woken, want) || flight.Waiting() != 0 {
		t.Errorf("woken %v, want %v; %d wait on", woken, want, flight.Waiting())
	}
	for _, i := range want {
		if got := runs[i].Advance(&pipeline.Exchange{}, start.UnixNano(), nil); got != pipeline.Admitted {
			t.Errorf("%d became %v", i, got)
		}
	}
}

func TestWrappers(t *testing.T) {
	landing := func(o pipeline.Outcome) func(*pipeline.Exchange) pipeline.Outcome {
		return func(*pipeline.Exchange) pipeline.Outcome {
			return pipeline.Await(&pipeline.Flight{}, func(*pipeline.Exchange) pipeline.Outcome { return o })
		}
	}
	technical, personal := denial.IntrospectionTimeout, denial.TokenInactive
	held := func(s pipeline.Step) pipeline.Step { return pipeline.Then(s, refusing(personal)) }
	free := func(s pipeline.Step) pipeline.Step { return pipeline.Then(s, passing) }
	tests := []struct {
		name       string
		wrap       func(pipeline.Step) pipeline.Step
		apply      func(*pipeline.Exchange) pipeline.Outcome
		continues  bool
		dryRun     []denial.Reason
		overridden []denial.Reason
	}{
		{"dry run lets a refusal pass", pipeline.DryRun, refusing(personal), true, []denial.Reason{personal}, nil},
		{"dry run lets a late refusal pass", pipeline.DryRun, landing(pipeline.DenyFor(technical)), true, []denial.Reason{technical}, nil},
		{"dry run notes nothing of a continue", pipeline.DryRun, passing, true, nil, nil},
		{"on error a fault passes", pipeline.ContinueOnError, refusing(technical), true, nil, []denial.Reason{technical}},
		{"on error a late fault passes", pipeline.ContinueOnError, landing(pipeline.DenyFor(technical)), true, nil, []denial.Reason{technical}},
		{"on error the request's own fault is refused", pipeline.ContinueOnError, refusing(personal), false, nil, nil},
		{"on error the request's own late fault is refused", pipeline.ContinueOnError, landing(pipeline.DenyFor(personal)), false, nil, nil},
		{"a check refuses what the step lets through", held, passing, false, nil, nil},
		{"a check refuses what the step lets through late", held, landing(pipeline.Continue()), false, nil, nil},
		{"a check lets through what the step does", free, landing(pipeline.Continue()), true, nil, nil},
		{"a check lets nothing through that the step refuses", free, refusing(technical), false, nil, nil},
		{"a check in dry run", func(s pipeline.Step) pipeline.Step { return pipeline.DryRun(held(s)) }, landing(pipeline.Continue()), true, []denial.Reason{personal}, nil},
		{"a check behind a fault that is excused", func(s pipeline.Step) pipeline.Step { return pipeline.ContinueOnError(held(s)) }, refusing(technical), true, nil, []denial.Reason{technical}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var ran []string
			x := &pipeline.Exchange{}
			outcome := tt.wrap(script{"step", &ran, tt.apply}).Apply(x).Resume(x)
			if outcome.Continues() != tt.continues {
				t.Errorf("continues %v, want %v", outcome.Continues(), tt.continues)
			}
			if !slices.Equal(x.DryRun, tt.dryRun) || !slices.Equal(x.Overridden, tt.overridden) {
				t.Errorf("noted dry run %v, overridden %v", x.DryRun, x.Overridden)
			}
		})
	}
}

func TestAnUnfilledAnswerIsAFailure(t *testing.T) {
	if (host.Answer{}).Failure == host.NoFailure {
		t.Error("the zero answer reads as the server's")
	}
}
