// Draws calls over time: a bar for each slot, above the line what was let
// through, below it what was refused.
import { cell, element } from "/element.js";

const namespace = "http://www.w3.org/2000/svg";
const colours = 5; // classes of each kind in the style sheet
const height = 208; // px
const margin = { top: 8, right: 4, bottom: 24, left: 36 };

function svg(tag, attributes, ...parts) {
  const e = document.createElementNS(namespace, tag);
  for (const [name, value] of Object.entries(attributes)) e.setAttribute(name, value);
  e.append(...parts);
  return e;
}

const total = (counts) => Object.values(counts).reduce((a, b) => a + b, 0);
const clock = (at) => new Date(at).toLocaleTimeString();
const listed = (counts) => Object.entries(counts).sort().map(([name, n]) => `${n} × ${name}`).join("; ");

// said is a slot in words.
export function said(slot) {
  const part = (what, counts) => `${total(counts)} ${what}${total(counts) ? ` (${listed(counts)})` : ""}`;
  return `${clock(slot.at)}: ${part("let through", slot.calls)}, ${part("refused", slot.refused)}`;
}

// totals adds the slots of one kind up, by name.
function totals(slots, kind) {
  const sums = {};
  for (const slot of slots) for (const [name, n] of Object.entries(slot[kind])) sums[name] = (sums[name] ?? 0) + n;
  return Object.entries(sums).sort();
}

// Chart keeps which bar is chosen while the numbers change.
export class Chart {
  #place; #legend; #detail; #table;
  #slots = [];
  #chosen = ""; // the slot's time; empty until somebody chooses

  constructor({ place, legend, detail, table }) {
    this.#place = place;
    this.#legend = legend;
    this.#detail = detail;
    this.#table = table;
    place.addEventListener("keydown", (event) => this.#key(event));
    new ResizeObserver(() => this.#draw()).observe(place);
  }

  // show draws the slots, unless they are on the page already.
  show(slots) {
    if (JSON.stringify(slots) === JSON.stringify(this.#slots)) return;
    this.#slots = slots;
    this.#draw();
    this.#tell();
    const rows = slots.filter((s) => total(s.calls) + total(s.refused) > 0).reverse();
    this.#table.replaceChildren(...rows.map((s) => element("tr", { role: "row" }, element("th", { scope: "row", role: "rowheader" }, clock(s.at)),
      cell("Let through", listed(s.calls) || "none"), cell("Refused", listed(s.refused) || "none"))));
  }

  // current is the chosen bar, or else the latest that has calls.
  get #current() {
    return this.#slots.find((s) => s.at === this.#chosen) ?? this.#slots.findLast((s) => total(s.calls) + total(s.refused) > 0) ?? this.#slots.at(-1);
  }

  #names(kind) { return totals(this.#slots, kind); }

  #draw() {
    const width = this.#place.clientWidth, slots = this.#slots;
    if (slots.length === 0 || width === 0) return;
    const focused = this.#place.contains(document.activeElement);
    const above = Math.max(1, ...slots.map((s) => total(s.calls))), below = Math.max(0, ...slots.map((s) => total(s.refused)));
    const unit = (height - margin.top - margin.bottom) / (above + below);
    const zero = margin.top + above * unit, step = (width - margin.left - margin.right) / slots.length;
    const ends = { y1: zero, y2: zero, x1: margin.left, x2: width - margin.right };
    const number = (y, n) => svg("text", { x: margin.left - 6, y, "text-anchor": "end" }, String(n));
    const time = (x, at, anchor) => svg("text", { x, y: height - 6, "text-anchor": anchor }, clock(at));
    this.#place.replaceChildren(svg("svg", { width, height, role: "group", "aria-label": "Calls over time" },
      svg("g", { "aria-hidden": "true" }, number(margin.top + 9, above), number(zero + 4, 0), ...(below ? [number(height - margin.bottom, below)] : []),
        time(margin.left, slots[0].at, "start"), time(width - margin.right, slots.at(-1).at, "end")),
      ...slots.map((s, i) => this.#bar(s, margin.left + i * step, step, zero, unit)),
      svg("line", ends)));
    this.#keys();
    if (focused) this.#place.querySelector("[tabindex='0']").focus();
  }

  #bar(slot, x, step, zero, unit) {
    const gap = Math.min(2, step / 4);
    const rects = [];
    let up = zero, down = zero;
    this.#names("calls").forEach(([name], i) => {
      const h = (slot.calls[name] ?? 0) * unit;
      if (h) rects.push(svg("rect", { class: `allow-${i % colours}`, x: x + gap, y: up -= h, width: step - 2 * gap, height: h }));
    });
    this.#names("refused").forEach(([name], i) => {
      const h = (slot.refused[name] ?? 0) * unit;
      if (h) rects.push(svg("rect", { class: `deny-${i % colours}`, x: x + gap, y: down, width: step - 2 * gap, height: h }));
      down += h;
    });
    const area = svg("rect", { class: "area", x, y: margin.top, width: step, height: height - margin.top - margin.bottom });
    const bar = svg("g", {
      class: "bar", role: "img", "aria-label": said(slot), "data-at": slot.at,
      tabindex: slot === this.#current ? "0" : "-1",
    }, area, ...rects);
    bar.addEventListener("focus", () => this.#choose(slot.at));
    bar.addEventListener("pointerenter", () => { this.#detail.textContent = said(slot); });
    return bar;
  }

  // keys says which colour is which name, with how many in all.
  #keys() {
    const keys = (kind, colour, what) => this.#names(kind).map(([name, n], i) => element("li", {},
      svg("svg", { width: 12, height: 12, "aria-hidden": "true" }, svg("rect", { class: `${colour}-${i % colours}`, width: 12, height: 12 })),
      `${what} ${name}: ${n}`));
    this.#legend.replaceChildren(...keys("calls", "allow", "▲"), ...keys("refused", "deny", "▼ refused,"));
  }

  #choose(at) {
    this.#chosen = at;
    for (const bar of this.#place.querySelectorAll(".bar")) bar.setAttribute("tabindex", bar.dataset.at === at ? "0" : "-1");
    this.#tell();
  }

  #tell() {
    const slot = this.#current;
    if (slot) this.#detail.textContent = said(slot);
  }

  #key(event) {
    const bars = [...this.#place.querySelectorAll(".bar")];
    const at = bars.indexOf(document.activeElement);
    const next = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: bars.length - 1 }[event.key];
    if (at < 0 || !bars[next]) return;
    event.preventDefault();
    bars[next].focus();
  }
}
