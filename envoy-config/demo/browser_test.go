package demo_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"github.com/sallyport-gateway/sallyport/hostsim/wasmbuild"
)

// installBrowser gets what the tests of the pages need.
const installBrowser = "make browser"

const (
	// browserPatience bounds every wait for a page; a machine that is busy may need some of it.
	browserPatience = 60 * time.Second
	// browserPoll is slow enough that looking at the dashboard again and again stays below the demo's spike arrest.
	browserPoll = 700 * time.Millisecond
)

// missing fails the test where CI=true, and skips it elsewhere.
func missing(t *testing.T, what error) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatalf("%v: %s", what, installBrowser)
	}
	t.Skipf("%v: %s", what, installBrowser)
}

// chromium is one tab of a real Chromium.
type chromium struct {
	t   *testing.T
	tab context.Context
	axe string // the script of axe-core
}

func newChromium(t *testing.T) *chromium {
	t.Helper()
	binary, err := exec.LookPath("chromium")
	if err != nil {
		missing(t, err)
	}
	root, err := wasmbuild.Root()
	if err != nil {
		t.Fatal(err)
	}
	axe, err := os.ReadFile(filepath.Join(root, "build", "axe", "axe.min.js"))
	if err != nil {
		missing(t, err)
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(binary), chromedp.NoSandbox,
		// Okta's and the gateway's certificates are the demo's own.
		chromedp.Flag("ignore-certificate-errors", true), chromedp.WindowSize(1200, 1000))
	allocator, stop := chromedp.NewExecAllocator(t.Context(), options...)
	t.Cleanup(stop)
	tab, closeTab := chromedp.NewContext(allocator)
	t.Cleanup(closeTab)
	if err := chromedp.Do(tab, chromedp.Navigate("about:blank")); err != nil {
		t.Fatalf("start chromium: %v", err)
	}
	return &chromium{t: t, tab: tab, axe: string(axe)}
}

// do runs actions, in browserPatience at most.
func (b *chromium) do(what string, actions ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.tab, browserPatience)
	defer cancel()
	if err := chromedp.Do(ctx, actions...); err != nil {
		text, _ := chromedp.Run(b.tab, chromedp.Evaluate[string](`location.href + "\n" + document.body.innerText`))
		b.t.Fatalf("%s: %v\n%s", what, err, text)
	}
}

// ask evaluates an expression, in browserPatience at most.
func ask[T any](b *chromium, expression string, o ...chromedp.EvaluateOption) T {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.tab, browserPatience)
	defer cancel()
	value, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression, o...))
	if err != nil {
		b.t.Fatalf("%.100s: %v", expression, err)
	}
	return value
}

// js is what an expression is, as text.
func (b *chromium) js(expression string) string {
	b.t.Helper()
	return ask[string](b, "String("+expression+")")
}

// press clicks on what sends a form or leads elsewhere, and waits for the next page.
func (b *chromium) press(selector string) {
	b.t.Helper()
	b.js(`document.body.dataset.left = "yes"`)
	b.do("press "+selector, chromedp.Click(selector))
	b.until("the next page is there", nextPage, func() {})
}

// nextPage is true of a page that press has not left.
const nextPage = `document.readyState === "complete" && !document.body.dataset.left`

// until looks again and again until the expression is true. Between two looks it does what again says.
func (b *chromium) until(what, expression string, again func()) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.tab, browserPatience)
	defer cancel()
	for ticker := time.NewTicker(browserPoll); ; {
		if ok, err := chromedp.Run(ctx, chromedp.Evaluate[bool]("Boolean("+expression+")")); err == nil && ok {
			return
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			b.t.Fatalf("wait until %s:\n%s", what, b.js("document.body.innerText"))
		}
		again()
	}
}

// shot keeps a picture of the page for people, under build/screenshots.
func (b *chromium) shot(name string) {
	b.t.Helper()
	picture, err := chromedp.Run(b.tab, chromedp.FullScreenshot(100))
	if err != nil {
		b.t.Fatal(err)
	}
	root, err := wasmbuild.Root()
	if err != nil {
		b.t.Fatal(err)
	}
	dir := filepath.Join(root, "build", "screenshots")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		b.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, name+".png"), picture, 0o644); err != nil {
		b.t.Fatal(err)
	}
}

// violation is what axe-core found.
type violation struct {
	ID     string   `json:"id"`
	Impact string   `json:"impact"`
	Help   string   `json:"help"`
	Nodes  []string `json:"nodes"`
}

func (v violation) String() string {
	return fmt.Sprintf("%s (%s): %s: %s", v.ID, v.Impact, v.Help, strings.Join(v.Nodes, ", "))
}

// violations are the serious and critical ones of the page, as it is now.
func (b *chromium) violations() (found []violation) {
	b.t.Helper()
	ask[int](b, b.axe+";0")
	text := ask[string](b, `axe.run().then((r) => JSON.stringify(r.violations
		.filter((v) => v.impact === "serious" || v.impact === "critical")
		.map((v) => ({id: v.id, impact: v.impact, help: v.help, nodes: v.nodes.map((n) => n.html)}))))`, chromedp.EvalAwaitPromise)
	if err := json.Unmarshal([]byte(text), &found); err != nil {
		b.t.Fatalf("read what axe-core found: %v", err)
	}
	return found
}

// widths are those of a small phone and of a desk, in CSS pixels.
var widths = []int64{360, 1280}

// accessible checks the page in the light and in the dark, narrow and wide, and keeps pictures.
func (b *chromium) accessible(name string) {
	b.t.Helper()
	for _, width := range widths {
		b.resize(width)
		// Nothing but what scrolls by itself is wider than the window.
		if over := ask[int](b, "document.documentElement.scrollWidth - document.documentElement.clientWidth"); over > 0 {
			b.t.Errorf("%s at %d px is %d px too wide", name, width, over)
		}
		for _, scheme := range []string{"light", "dark"} {
			b.do("choose "+scheme, chromedp.Func(func(ctx context.Context, tab *chromedp.Target) error {
				_, err := cdp.Call(ctx, tab, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
					Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
				})
				return err
			}))
			for _, v := range b.violations() {
				b.t.Errorf("%s, %s, %d px: %s", name, scheme, width, v)
			}
			b.shot(fmt.Sprintf("%s-%s-%d", name, scheme, width))
		}
	}
}

func (b *chromium) resize(width int64) {
	b.t.Helper()
	b.do("resize the window", chromedp.Func(func(ctx context.Context, tab *chromedp.Target) error {
		_, err := cdp.Call(ctx, tab, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{
			Width: width, Height: 1000, DeviceScaleFactor: 1,
		})
		return err
	}))
	b.until("the window has its width", fmt.Sprintf("innerWidth === %d", width), nothing)
}
