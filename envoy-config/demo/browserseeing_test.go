package demo_test

import (
	"net/url"
	"strconv"
	"strings"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/sallyport-gateway/sallyport/envoy-config/demo"
)

// doorsHaveTimes: each door of a call that was let through has a time, and
// together they are within what the call took.
func (b *chromium) doorsHaveTimes() {
	b.t.Helper()
	first := b.js(`[...document.querySelectorAll("#visits > li:last-child .door .took")].map((e) => e.innerText).join(";")`)
	sum, times := 0.0, strings.Split(first, ";")
	for _, text := range times {
		ms, err := strconv.ParseFloat(strings.TrimSuffix(text, " ms"), 64)
		if err != nil {
			b.t.Fatalf("the times of the doors are %s", first)
		}
		sum += ms
	}
	took, err := strconv.ParseFloat(b.js(`document.querySelector("#visits > li:last-child small").innerText.match(/([\d.]+) ms/)[1]`), 64)
	if err != nil {
		b.t.Fatal(err)
	}
	if len(times) != 8 || sum <= 0 || sum > took+1 {
		b.t.Errorf("the doors took %s, of %.2f ms in all", first, took)
	}
}

// linked goes from a card to its call on the page Trace.
func (b *chromium) linked(d *demo.Demo) {
	b.t.Helper()
	b.do("open the portal", chromedp.Navigate(d.PortalURL), chromedp.WaitVisible(`[data-call=shipments][data-state=filled]`))
	b.press(`[data-call=shipments] .links a`)
	b.until("the call is marked", `document.querySelector("#visits > [aria-current=true]")?.innerText.includes("/customers/v1/orders/shipments")`, nothing)
	if focus := b.js(`document.activeElement.getAttribute("aria-current")`); focus != "true" {
		b.t.Error("the call of the card has no focus")
	}
	// It is the newest call of this path, which was called twice.
	if newest := b.js(`[...document.querySelectorAll("#visits > li")].find((e) => e.innerText.includes("/shipments")).ariaCurrent`); newest != "true" {
		b.t.Error("another call of the same path is marked")
	}
	b.do("follow a link that is too old", chromedp.Navigate("about:blank"),
		chromedp.Navigate(d.PortalURL+"/trace#"+url.Values{"method": {"GET"}, "path": {"/customers/v1/orders/shipments"}, "from": {"1"}, "to": {"2"}}.Encode()))
	b.until("the page says so", `document.getElementById("linked").innerText.includes("not here")`, nothing)
}

// refusedCard: a card that was refused says where, why and what to do.
func (b *chromium) refusedCard(d *demo.Demo) {
	b.t.Helper()
	b.do("open the portal", chromedp.Navigate(d.PortalURL), chromedp.WaitVisible(`[data-call=sales][data-state=refused]`))
	text := b.js(`document.querySelector("[data-call=sales]").innerText`)
	for _, want := range []string{"401 Unauthorized", "Refused at introspect token: token.inactive", "expired, revoked, or from another authorization server", "What to do about token.inactive", "See it in Trace"} {
		if !strings.Contains(text, want) {
			b.t.Errorf("the refused card lacks %q: %s", want, text)
		}
	}
	b.accessible("portal-refused")
	b.press(`[data-call=sales] .links a`)
	if target := b.js(`location.pathname + " " + document.querySelector(":target")?.innerText`); target != "/troubleshooting token.inactive" {
		b.t.Errorf("the link leads to %s", target)
	}
	b.accessible("troubleshooting")
}

// filtered narrows the page Trace by search and by decision.
func (b *chromium) filtered(d *demo.Demo) {
	b.t.Helper()
	const shown = `[...document.querySelectorAll("#visits > li:not([hidden])")]`
	b.do("open trace", chromedp.Navigate(d.PortalURL+"/trace"))
	b.until("trace has calls of both kinds", `document.querySelector("[data-decision=deny]") && document.querySelector("[data-decision=allow]")`, nothing)
	all := ask[int](b, shown+".length")
	b.do("choose refused", chromedp.Focus("#decision"), chromedp.KeyEvent("r"))
	b.until("only refused calls are shown", shown+`.length > 0 && `+shown+`.every((e) => e.dataset.decision === "deny")`, nothing)
	refused := ask[int](b, shown+".length")
	if refused == 0 || refused >= all {
		b.t.Errorf("%d of %d calls are refused", refused, all)
	}
	if text := b.js(`document.getElementById("summary").innerText`); !strings.Contains(text, strconv.Itoa(refused)+" of "+strconv.Itoa(all)+" shown.") {
		b.t.Errorf("the summary says %s", text)
	}
	b.do("search", chromedp.Focus("#search"), chromedp.KeyEvent("SALES inactive"))
	b.until("only one path is shown", shown+`.length > 0 && `+shown+`.every((e) => e.innerText.includes("/orders/sales") && e.innerText.includes("token.inactive"))`, nothing)
	b.accessible("trace-filtered")
	b.do("search for what is not there", chromedp.KeyEvent(" nothing-of-this-kind"))
	b.until("no call is shown", shown+`.length === 0 && document.getElementById("summary").innerText.includes("0 of ")`, nothing)
}

// chart: the bars tell what the table tells, by keyboard too.
func (b *chromium) chart() {
	b.t.Helper()
	const bars = `[...document.querySelectorAll("#chart .bar")]`
	b.until("the chart shows both versions", `["v1", "v2"].every((v) => document.getElementById("legend").innerText.includes("global-customer-portal, customers " + v))`, nothing)
	if n := ask[int](b, bars+".length"); n != 30 {
		b.t.Errorf("the chart has %d bars", n)
	}
	if n := ask[int](b, bars+`.filter((e) => e.tabIndex === 0).length`); n != 1 {
		b.t.Errorf("%d bars are stops of the Tab key", n)
	}
	if n := ask[int](b, `document.querySelectorAll("#chart rect[class^=allow]").length`); n < 2 {
		b.t.Errorf("%d pieces of bars", n)
	}
	if text := b.js(`document.getElementById("bar").innerText`); !strings.Contains(text, "global-customer-portal") {
		b.t.Errorf("before somebody chooses a bar, the one that is told of has no calls: %s", text)
	}
	b.do("go to the last bar, and one back", chromedp.Focus("#chart .bar[tabindex='0']"), chromedp.KeyEvent(kb.End), chromedp.KeyEvent(kb.ArrowLeft))
	if at := ask[int](b, bars+".indexOf(document.activeElement)"); at != 28 {
		b.t.Errorf("the arrow key leads to bar %d", at)
	}
	if same := b.js(`document.getElementById("bar").innerText === document.activeElement.getAttribute("aria-label")`); same != "true" {
		b.t.Error("the line below does not say what the bar says")
	}
	b.do("open the table", chromedp.Focus("main details summary"), chromedp.KeyEvent(kb.Enter))
	rows := `[...document.querySelectorAll("#slots tr")].map((r) => r.innerText).join("\n")`
	if text := b.js(rows); !strings.Contains(text, "1 × global-customer-portal, customers v2") {
		b.t.Errorf("the table is %s", text)
	}
}

// stacked: on a phone each row of a table is a block with all its cells in sight, each with its label.
func (b *chromium) stacked() {
	b.t.Helper()
	b.resize(360)
	const cells = `[...document.querySelectorAll("#rows td, #slots td")]`
	if out := b.js(cells + `.filter((e) => e.getBoundingClientRect().right > innerWidth).map((e) => e.dataset.label)`); out != "" {
		b.t.Errorf("out of sight at 360 px: %s", out)
	}
	if label := b.js(`getComputedStyle(document.querySelector("#rows td:nth-child(5)"), "::before").content`); label != `"Calls"` {
		b.t.Errorf("the label of the calls is %s", label)
	}
	b.resize(1280)
	if label := b.js(`getComputedStyle(document.querySelector("#rows td:nth-child(5)"), "::before").content`); label != "none" {
		b.t.Errorf("at 1280 px the label of the calls is %s", label)
	}
}
