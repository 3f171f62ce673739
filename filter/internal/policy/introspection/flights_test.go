package introspection

import (
	"fmt"
	"testing"
	"time"

	"github.com/sallyport-gateway/sallyport/filter/internal/denial"
)

func TestOneTokenIsAskedAboutOnce(t *testing.T) {
	b := newBench(nil)
	first, second, other := b.arrive("abc"), b.arrive("abc"), b.arrive("def")
	b.wantCalls(t, 2)
	b.land(0, b.active("alice"))
	first.wantAdmitted(t, "alice")
	second.wantAdmitted(t, "alice")
	other.wantParked(t)
	b.land(1, b.active("bob"))
	other.wantAdmitted(t, "bob")
}

func TestFlightWithoutEndIsReplaced(t *testing.T) {
	b := newBench(nil)
	lost := b.arrive("abc")
	b.now = b.now.Add(2*time.Second + staleMargin)
	b.arrive("abc").wantParked(t)
	b.wantCalls(t, 1)
	b.now = b.now.Add(1)
	found := b.arrive("abc")
	b.wantCalls(t, 2)
	b.land(1, answered(200, `{"active":false}`))
	found.wantDenied(t, denial.Denial{Reason: denial.TokenInactive})

	// The lost call comes back after all, with what was true before.
	lost.wantParked(t)
	b.land(0, b.active("alice"))
	lost.wantAdmitted(t, "alice")
	b.arrive("abc").wantParked(t)
	b.wantCalls(t, 3)
}

func TestLateAnswerLeavesTheNewFlightAlone(t *testing.T) {
	b := newBench(nil)
	b.arrive("abc")
	b.now = b.now.Add(time.Hour)
	b.arrive("abc")
	b.land(0, b.active("alice"))
	joined := b.arrive("abc")
	joined.wantParked(t)
	b.wantCalls(t, 2)
	b.land(1, answered(200, `{"active":false}`))
	joined.wantDenied(t, denial.Denial{Reason: denial.TokenInactive})
}

func TestClockSetBackDoesNotHideALostFlight(t *testing.T) {
	b := newBench(nil)
	b.arrive("abc")
	b.now = b.now.Add(-time.Hour)
	b.arrive("abc").wantParked(t)
	b.wantCalls(t, 2)
}

func TestSecondLandingChangesNothing(t *testing.T) {
	b := newBench(nil)
	x := b.arrive("abc")
	b.land(0, answered(200, `{"active":false}`))
	b.land(0, b.active("alice"))
	x.wantDenied(t, denial.Denial{Reason: denial.TokenInactive})
	if x.woken != 1 {
		t.Errorf("woken %d times", x.woken)
	}
	b.arrive("abc").wantParked(t)
}

func TestPanicWhileLandingWakesAllAndDenies(t *testing.T) {
	b := newBench(nil)
	waiting := []*exchange{b.arrive("abc"), b.arrive("abc")}
	b.step.cache = nil // its use panics
	func() {
		defer func() {
			if recover() == nil {
				t.Error("the panic was swallowed")
			}
		}()
		b.land(0, b.active("alice"))
	}()
	for _, x := range waiting {
		x.wantDenied(t, denial.Denial{Reason: denial.Internal})
		if x.woken != 1 {
			t.Errorf("woken %d times", x.woken)
		}
	}
	if n := len(b.step.flights.byKey); n != 0 {
		t.Errorf("%d flights left", n)
	}
}

func TestTooManyFlights(t *testing.T) {
	b := newBench(nil)
	for i := range maxFlights {
		b.arrive(fmt.Sprint("t", i)).wantParked(t)
	}
	b.arrive("one-more").wantDenied(t, denialFor(denial.IntrospectionOverloaded))
	b.wantCalls(t, maxFlights)
	b.arrive("t0").wantParked(t) // joining is still possible
	b.land(0, b.active("alice"))
	b.arrive("one-more").wantParked(t)
	b.wantCalls(t, maxFlights+1)
	b.arrive("and-another").wantDenied(t, denialFor(denial.IntrospectionOverloaded))

	b.now = b.now.Add(time.Hour) // all of them lost
	b.arrive("and-another").wantParked(t)
	if n := len(b.step.flights.byKey); n != 1 {
		t.Errorf("%d flights noted, want 1", n)
	}
}

func TestTooManyWaiters(t *testing.T) {
	b := newBench(nil)
	for range maxWaiters {
		b.arrive("abc").wantParked(t)
	}
	b.arrive("abc").wantDenied(t, denialFor(denial.IntrospectionOverloaded))
	b.arrive("def").wantParked(t)
	b.wantCalls(t, 2)
}

// TestWaitersWhoLeftTakeNoPlace: clients that do not wait for the answer keep nobody
// out who does.
func TestWaitersWhoLeftTakeNoPlace(t *testing.T) {
	b := newBench(nil)
	stays := b.arrive("abc")
	for range 3 * maxWaiters {
		x := b.arrive("abc")
		x.wantParked(t)
		x.run.Fail(denial.Denial{}) // as the engine does when the client has gone
	}
	last := b.arrive("abc")
	if n := b.step.flights.all[0].flight.Waiting(); n != 2 {
		t.Errorf("%d wait", n)
	}
	b.land(0, b.active("alice"))
	stays.wantAdmitted(t, "alice")
	last.wantAdmitted(t, "alice")
	b.wantCalls(t, 1)
}

func TestExchangeWhoseDeadlinePassedStaysDenied(t *testing.T) {
	b := newBench(nil)
	gone, waiting := b.arrive("abc"), b.arrive("abc")
	gone.run.Fail(denial.Denial{Reason: denial.IntrospectionDeadline})
	b.land(0, b.active("alice"))
	gone.verdict = gone.run.Advance(gone.Exchange, b.now.UnixNano(), nil)
	gone.wantDenied(t, denial.Denial{Reason: denial.IntrospectionDeadline})
	waiting.wantAdmitted(t, "alice")
}
