package demo_test

import (
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/sallyport-gateway/sallyport/envoy-config/demo"
)

func nothing() {}

// signIn goes through Okta by keyboard alone.
func (b *chromium) signIn(d *demo.Demo) {
	b.t.Helper()
	b.do("open the portal", chromedp.Navigate(d.PortalURL), chromedp.WaitVisible("main button"), chromedp.Focus("main button"), chromedp.KeyEvent(kb.Enter))
	b.do("sign in at Okta", chromedp.WaitVisible("#username"), chromedp.KeyEvent(d.Login), chromedp.KeyEvent(kb.Tab), chromedp.KeyEvent(d.Password))
}

// TestBrowser is the story of the demo in a real Chromium, from page to page.
func TestBrowser(t *testing.T) {
	b, d := newChromium(t), startDemo(t, demo.HostSim)
	b.do("open the portal", chromedp.Navigate(d.PortalURL), chromedp.WaitVisible("main button"))
	b.accessible("portal-signed-out")
	b.signIn(d)
	b.accessible("okta")
	b.do("send the form", chromedp.KeyEvent(kb.Enter), chromedp.WaitVisible("#cards"))

	const cardsIn = `document.querySelectorAll("#cards [data-state=%]").length === 4`
	b.until("the dashboard is filled", strings.Replace(cardsIn, "%", "filled", 1), nothing)
	if text := b.js(`document.getElementById("cards").innerText`); !strings.Contains(text, "Order 43: 42.00 EUR. The backend was sent: app global-customer-portal.") {
		t.Errorf("the dashboard shows %s", text)
	}
	if text := b.js(`document.querySelector("[data-call=sales]").innerText`); !strings.Contains(text, "5,376.00 EUR") {
		t.Errorf("the card of the sales shows %s", text)
	}
	b.accessible("portal")

	b.do("open trace", chromedp.Navigate(d.PortalURL+"/trace"))
	b.until("trace shows the four calls", `document.querySelectorAll("#visits > [data-decision=allow]").length === 4`, nothing)
	// Without the time, which doorsHaveTimes looks at.
	const doorsOf = `[...document.querySelector("#visits > li").querySelectorAll(".door")].map((d) => d.innerText.replace(/\s+/g, " ").replace(/ [\d.]+ ms$/, "")).join("; ")`
	const opened = "✓ find the API opened; ✓ spike arrest opened; ✓ verify api key opened; ✓ remove api key opened; " +
		"✓ introspect token opened; ✓ require token opened; ✓ quota opened; ✓ backend opened"
	if got := b.js(doorsOf); got != opened {
		t.Errorf("the doors of a good call are %s", got)
	}
	if text := b.js(`document.querySelector("#visits pre").textContent`); !strings.Contains(text, "proxy_get_shared_data") {
		t.Errorf("the hostcalls are %s", text)
	}
	b.doorsHaveTimes()
	b.accessible("trace")

	b.usageOfASecondVersion(d)
	b.linked(d)
	b.revoked(d, cardsIn, doorsOf)
	b.filtered(d)
	b.noSecrets(d)
}

// usageOfASecondVersion calls a version that nobody called, once.
func (b *chromium) usageOfASecondVersion(d *demo.Demo) {
	b.t.Helper()
	const row = `document.querySelector("#rows [data-version=%]")?.children[4].innerText`
	const verdict = `document.querySelector("#versions [data-version=v2]").innerText`
	b.do("open usage", chromedp.Navigate(d.PortalURL+"/usage"))
	b.until("usage has the four calls", strings.Replace(row, "%", "v1", 1)+` === "4"`, nothing)
	// Nobody has seen 30 days, so nobody can tell.
	if text := b.js(verdict); !strings.Contains(text, "No app has called it") || !strings.Contains(text, "Not known") || strings.Contains(text, "retired") {
		b.t.Errorf("the verdict on v2 is %s", text)
	}
	b.do("ask for an hour", chromedp.Focus("#period"), chromedp.KeyEvent("1 h"))
	b.until("the verdict is on an hour", verdict+`.includes("of 1 hour have been observed")`, nothing)
	b.do("call version 2", chromedp.Navigate(d.PortalURL), chromedp.WaitVisible("#operation"), chromedp.SetValue("#operation", "order-v2"), chromedp.Click("#call button"))
	b.until("version 2 answered", `document.querySelector("#result strong")?.innerText === "200 OK"`, nothing)
	b.do("open usage", chromedp.Navigate(d.PortalURL+"/usage"))
	b.until("usage has the call of v2, and the dashboard's again", strings.Replace(row, "%", "v2", 1)+` === "1" && `+strings.Replace(row, "%", "v1", 1)+` === "8"`, nothing)
	if text := b.js(verdict); !strings.Contains(text, "In use by global-customer-portal.") {
		b.t.Errorf("the verdict on v2 is %s", text)
	}
	if text := b.js(verdict); strings.Contains(text, "retired") {
		b.t.Errorf("the verdict on v2 is %s", text)
	}
	b.chart()
	b.stacked()
	b.accessible("usage")
}

// revoked takes the token back, and looks which door is closed from then on.
func (b *chromium) revoked(d *demo.Demo, cardsIn, doorsOf string) {
	b.t.Helper()
	b.do("open faults", chromedp.Navigate(d.PortalURL+"/faults"), chromedp.WaitVisible("#now"))
	b.press(`form[action="/revoke"] button`)
	b.until("the gateway's memory of the token ends", strings.Replace(cardsIn, "%", "refused", 1),
		func() {
			b.do("load the dashboard", chromedp.Navigate(d.PortalURL), chromedp.WaitVisible("#cards"))
			b.until("each card has its answer", `document.querySelectorAll("#cards [data-state]").length === 4`, nothing)
		})
	b.refusedCard(d)
	b.do("open trace", chromedp.Navigate(d.PortalURL+"/trace"))
	b.until("trace shows a refused call", `document.querySelector("#visits > li")?.dataset.decision === "deny"`, nothing)
	const want = "✓ find the API opened; ✓ spike arrest opened; ✓ verify api key opened; ✓ remove api key opened; " +
		"✗ introspect token refused; · require token not reached; · quota not reached; · backend not reached"
	if got := b.js(doorsOf); got != want {
		b.t.Errorf("the doors of a revoked token are %s", got)
	}
	b.do("open usage", chromedp.Navigate(d.PortalURL+"/usage"))
	b.until("usage counts what was refused", `document.querySelector("#rows [data-version=v1]").innerText.includes("token.inactive")`, nothing)
	b.until("the chart has it below the line", `document.querySelector("#chart rect[class^=deny]") && document.getElementById("legend").innerText.includes("refused, token.inactive: ")`, nothing)
	b.accessible("usage-refused")
}

// noSecrets looks for keys and tokens in everything that the pages are made of.
func (b *chromium) noSecrets(d *demo.Demo) {
	b.t.Helper()
	secrets := secretsOf(b.t, d)
	for _, page := range []string{"/", "/trace", "/usage", "/faults", "/troubleshooting", "/trace.json", "/usage.json"} {
		b.do("open "+page, chromedp.Navigate(d.PortalURL+page))
		text := b.js("document.documentElement.outerHTML")
		for _, secret := range secrets {
			if strings.Contains(text, secret) {
				b.t.Errorf("%s shows a secret: %.8s…", page, secret)
			}
		}
	}
}

// TestBrowserFaults: each switch, by keyboard, changes what callers get, and says so.
func TestBrowserFaults(t *testing.T) {
	b, d := newChromium(t), startDemoThat(t, demo.HostSim, true)
	const burstButton, switchButton = `form[action="/faults/burst"] button`, `form[action="/faults"] button`
	burst := func() string {
		t.Helper()
		b.press(burstButton)
		return b.js(`document.getElementById("burst").innerText`)
	}
	b.do("open faults", chromedp.Navigate(d.PortalURL+"/faults"), chromedp.WaitVisible("#now"))
	b.accessible("faults")
	b.do("choose with the keyboard", chromedp.Focus("#fault-none"), chromedp.KeyEvent(kb.ArrowDown), chromedp.KeyEvent(kb.ArrowDown), chromedp.KeyEvent(kb.Enter))
	b.until("okta is down", `document.getElementById("now")?.innerText === "Okta is down"`, nothing)
	if counts := burst(); !strings.Contains(counts, "503") || strings.Contains(counts, "200") || strings.Contains(counts, "401") {
		t.Errorf("with Okta down a burst is answered with %s", counts)
	}
	b.do("choose none", chromedp.Click("#fault-none"))
	b.press(switchButton)
	b.until("okta works", `document.getElementById("now")?.innerText === "Okta works"`, nothing)
	b.until("the breaker lets calls through again", `document.getElementById("burst")?.innerText.includes("200")`,
		func() { b.press(burstButton) })
	if counts := burst(); !strings.Contains(counts, "429") {
		t.Errorf("a burst is answered with %s", counts)
	}
	b.do("choose limited", chromedp.Click("#fault-limited"))
	b.press(switchButton)
	b.until("okta limits", `document.getElementById("now")?.innerText === "Okta limits us"`, nothing)
	b.until("what the gateway knew of the token ends", `document.getElementById("burst")?.innerText.includes("503")`,
		func() { b.press(burstButton) })
}

// TestBrowserFindsWhatIsWrong holds the checks of accessibility against a page that is not.
func TestBrowserFindsWhatIsWrong(t *testing.T) {
	b := newChromium(t)
	b.do("open a bad page", chromedp.Navigate(`data:text/html,<html><body><img src="x"><p style="color:%23ccc;background:%23fff">pale</p><input></body></html>`))
	found := map[string]bool{}
	for _, v := range b.violations() {
		found[v.ID] = true
	}
	for _, want := range []string{"image-alt", "color-contrast", "label", "html-has-lang"} {
		if !found[want] {
			t.Errorf("axe-core did not find %s: %v", want, found)
		}
	}
}
