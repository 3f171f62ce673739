// Package chart draws bars as SVG, readable on both a light and a dark page.
package chart

import (
	"fmt"
	"html"
	"math"
	"strings"
)

// Bar is one line of the chart. Low and High are drawn as a whisker, unless
// they are equal.
type Bar struct {
	Name             string
	Value, Low, High float64
	Emphasis         bool
}

// Section is bars under a heading.
type Section struct {
	Heading string
	Bars    []Bar
}

// Chart has one scale, from 0 to the longest bar.
type Chart struct {
	Title    string
	Subtitle string
	Unit     string // after each value
	Sections []Section
}

// Measures in SVG's user units.
const (
	width     = 760
	left      = 230 // where bars begin
	right     = 90  // free for the value after the longest bar
	rowHeight = 24
	barHeight = 14
	headSpace = 34 // a section's heading
	top       = 58 // title and subtitle
	bottom    = 16
)

const style = `text { font: 13px system-ui, -apple-system, "Segoe UI", sans-serif; fill: #1f2328 }
.title { font-size: 16px; font-weight: 600 }
.quiet { fill: #59636e }
.heading { font-weight: 600 }
.bar { fill: #8c959f }
.ours { fill: #0969da }
.whisker { stroke: #1f2328; stroke-width: 1.2 }
.axis { stroke: #d1d9e0 }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 }
  .quiet { fill: #9198a1 }
  .bar { fill: #6e7681 }
  .ours { fill: #4493f8 }
  .whisker { stroke: #e6edf3 }
  .axis { stroke: #3d444d }
  .page { fill: #0d1117 }
}
.value { font-variant-numeric: tabular-nums }
`

// SVG is the whole picture. Without bars it is only the title.
func (c Chart) SVG() string {
	longest, rows := 0.0, 0
	for _, s := range c.Sections {
		rows += len(s.Bars)
		for _, b := range s.Bars {
			longest = max(longest, b.Value, b.High)
		}
	}
	height := top + rows*rowHeight + len(c.Sections)*headSpace + bottom
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" role="img" aria-label="%s">`+"\n",
		width, height, width, height, html.EscapeString(c.Title))
	fmt.Fprintf(&b, "<style>\n.page { fill: #ffffff }\n%s</style>\n", style)
	fmt.Fprintf(&b, `<rect class="page" width="%d" height="%d" rx="6"/>`+"\n", width, height)
	fmt.Fprintf(&b, `<text class="title" x="16" y="26">%s</text>`+"\n", html.EscapeString(c.Title))
	fmt.Fprintf(&b, `<text class="quiet" x="16" y="46">%s</text>`+"\n", html.EscapeString(c.Subtitle))
	scale := 0.0
	if longest > 0 {
		scale = (width - left - right) / longest
	}
	y := top
	for _, s := range c.Sections {
		fmt.Fprintf(&b, `<text class="heading" x="16" y="%d">%s</text>`+"\n", y+22, html.EscapeString(s.Heading))
		y += headSpace
		fmt.Fprintf(&b, `<line class="axis" x1="%d" y1="%d" x2="%d" y2="%d"/>`+"\n", left, y-2, left, y+len(s.Bars)*rowHeight-2)
		for _, bar := range s.Bars {
			c.draw(&b, bar, y, scale)
			y += rowHeight
		}
	}
	b.WriteString("</svg>\n")
	return b.String()
}

func (c Chart) draw(b *strings.Builder, bar Bar, y int, scale float64) {
	class, nameClass := "bar", "quiet"
	if bar.Emphasis {
		class, nameClass = "ours", "heading"
	}
	length := math.Max(bar.Value*scale, 0)
	middle := float64(y) + barHeight/2 + 2
	fmt.Fprintf(b, `<text class="%s" x="%d" y="%.1f" text-anchor="end">%s</text>`+"\n", nameClass, left-10, middle+4.5, html.EscapeString(bar.Name))
	fmt.Fprintf(b, `<rect class="%s" x="%d" y="%d" width="%.1f" height="%d" rx="2"/>`+"\n", class, left, y+2, math.Max(length, 1), barHeight)
	end := length
	if bar.High > bar.Low {
		from, to := left+math.Max(bar.Low*scale, 0), left+bar.High*scale
		fmt.Fprintf(b, `<line class="whisker" x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f"/>`+"\n", from, middle, to, middle)
		end = math.Max(end, bar.High*scale)
	}
	fmt.Fprintf(b, `<text class="value" x="%.1f" y="%.1f">%.1f %s</text>`+"\n", left+end+8, middle+4.5, bar.Value, html.EscapeString(c.Unit))
}
