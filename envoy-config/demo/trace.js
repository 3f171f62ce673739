// Asks once a second for the requests that came since, and puts them on top.
import { element } from "/element.js";

const list = document.getElementById("visits");
const summary = document.getElementById("summary");
const shown = 100; // requests on the page
const period = 1000; // ms
let last = 0;

const signs = { opened: "✓", refused: "✗", "not reached": "·" };

function door(d) {
  return element("li", { class: "door", "data-state": d.state },
    element("span", { "aria-hidden": "true" }, signs[d.state] + " "), d.name.replaceAll("_", " "), element("small", {}, d.state));
}

function row(v) {
  const verdict = v.reason ? `${v.status} ${v.reason}` : `${v.status}`;
  const facts = [new Date(v.at).toLocaleTimeString(), `${v.took_ms.toFixed(1)} ms`];
  if (v.hostcalls >= 0) facts.push(`${v.hostcalls} hostcalls`);
  if (v.left) facts.push(`left: ${v.left}`);
  if (v.app) facts.push(`app ${v.app}`);
  const item = element("li", { "data-id": v.id, "data-decision": v.decision },
    element("p", {}, element("code", {}, `${v.method} ${v.path}`), " ", element("strong", {}, verdict), " ", element("small", {}, facts.join(", "))),
    element("ol", { class: "doors", "aria-label": "Doors" }, ...v.doors.map(door)));
  if (v.calls) {
    item.append(element("details", {}, element("summary", {}, "What the filter asked of its host"),
      element("pre", { tabindex: "0", "aria-label": "Hostcalls" }, v.calls.join("\n"))));
  }
  return item;
}

async function look() {
  try {
    const response = await fetch(`/trace.json?after=${last}`);
    const { visits } = await response.json();
    for (const v of visits) {
      last = v.id;
      list.prepend(row(v));
    }
    while (list.childElementCount > shown) list.lastElementChild.remove();
    if (visits.length > 0) {
      const v = visits.at(-1);
      summary.textContent = `${last} requests so far. The last one: ${v.reason ? "refused, " + v.reason : "let through"}.`;
    }
  } catch {
    summary.textContent = "The demo does not answer any more.";
  }
  setTimeout(look, period);
}

look();
