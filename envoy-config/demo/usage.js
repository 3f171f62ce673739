// Asks every two seconds for the numbers.
import { Chart } from "/chart.js";
import { cell, element } from "/element.js";

const rows = document.getElementById("rows");
const versions = document.getElementById("versions");
const summary = document.getElementById("summary");
const period = document.getElementById("period");
const pause = 2000; // ms
const chart = new Chart({
  place: document.getElementById("chart"), legend: document.getElementById("legend"),
  detail: document.getElementById("bar"), table: document.getElementById("slots"),
});

const time = (ms) => (ms < 0 ? "–" : `${ms.toFixed(1)} ms`);

function row(r) {
  const refused = Object.entries(r.refused).sort().map(([reason, n]) => element("div", {}, `${n} × ${reason}`));
  const cells = {
    API: r.api || "none", Version: r.version || "–", App: r.app || "not known", Product: r.product || "–",
    Calls: r.calls, Errors: r.errors, Refused: refused.length ? element("div", {}, ...refused) : "–",
    p50: time(r.p50_ms), p95: time(r.p95_ms), "Last call": r.last ? new Date(r.last).toLocaleTimeString() : "–",
  };
  return element("tr", { role: "row", "data-app": r.app, "data-version": r.version }, ...Object.entries(cells).map(([label, content]) => cell(label, content)));
}

async function ask() {
  try {
    const response = await fetch(`/usage.json?period=${period.value}`);
    const usage = await response.json();
    if (usage.problem) throw new Error(usage.problem);
    rows.replaceChildren(...usage.rows.map(row));
    versions.replaceChildren(...usage.versions.map((v) =>
      element("li", { "data-version": v.version, "data-state": v.state }, element("strong", {}, `${v.api} ${v.version}`), ": ", v.verdict)));
    chart.show(usage.timeline);
    const calls = usage.rows.reduce((n, r) => n + r.calls, 0);
    const refused = usage.rows.reduce((n, r) => n + Object.values(r.refused).reduce((a, b) => a + b, 0), 0);
    const text = calls + refused ? `${calls} calls let through, ${refused} refused.` : "There have been no calls yet.";
    if (summary.textContent !== text) summary.textContent = text;
  } catch {
    summary.textContent = "The gateway does not report its numbers.";
  }
}

async function look() {
  await ask();
  setTimeout(look, pause);
}

period.addEventListener("change", ask);
look();
