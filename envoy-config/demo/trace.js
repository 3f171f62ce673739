// Asks once a second for the requests that came since, and puts them on top.
// An address with #method=…&path=…&from=…&to=… leads to one of them.
import { element } from "/element.js";

const list = document.getElementById("visits");
const summary = document.getElementById("summary");
const linked = document.getElementById("linked");
const search = document.getElementById("search");
const decision = document.getElementById("decision");
const kept = 400; // requests on the page, as many as the demo remembers
const period = 1000; // ms
let visits = []; // the oldest first, as {visit, item}
let last = 0;
let wanted = null; // where the address leads, until it was found

const signs = { opened: "✓", refused: "✗", "not reached": "·" };

const milliseconds = (ms) => `${ms.toFixed(2)} ms`;

function door(d) {
  const parts = [element("span", { "aria-hidden": "true" }, signs[d.state] + " "), d.name.replaceAll("_", " "), element("small", {}, d.state)];
  if (d.took_ms !== undefined) parts.push(element("small", { class: "took" }, milliseconds(d.took_ms)));
  return element("li", { class: "door", "data-state": d.state }, ...parts);
}

function row(v) {
  const verdict = v.reason ? `${v.status} ${v.reason}` : `${v.status}`;
  const facts = [new Date(v.at).toLocaleTimeString(), milliseconds(v.took_ms)];
  if (v.hostcalls >= 0) facts.push(`${v.hostcalls} hostcalls`);
  if (v.left) facts.push(`left: ${v.left}`);
  if (v.app) facts.push(`app ${v.app}`);
  const item = element("li", { "data-id": v.id, "data-decision": v.decision, tabindex: "-1" },
    element("p", {}, element("code", {}, `${v.method} ${v.path}`), " ", element("strong", {}, verdict), " ", element("small", {}, facts.join(", "))),
    element("ol", { class: "doors", "aria-label": "Doors" }, ...v.doors.map(door)));
  if (v.calls) {
    item.append(element("details", {}, element("summary", {}, "What the filter asked of its host"),
      element("pre", { tabindex: "0", "aria-label": "Hostcalls" }, v.calls.join("\n"))));
  }
  return item;
}

// matches: each word of the search is somewhere in the request's line.
function matches(v) {
  const text = [v.method, v.path, v.status, v.reason, v.app, v.api, v.version].join(" ").toLowerCase();
  const words = search.value.toLowerCase().split(/\s+/);
  const refused = v.decision !== "allow";
  return words.every((w) => text.includes(w)) && (decision.value === "" || refused === (decision.value === "deny"));
}

function filter() {
  let shown = 0;
  for (const { visit, item } of visits) {
    item.hidden = !matches(visit);
    if (!item.hidden) shown++;
  }
  const v = visits.at(-1)?.visit;
  if (!v) return;
  const newest = `The last one: ${v.reason ? "refused, " + v.reason : v.decision === "allow" ? "let through" : "refused"}.`;
  const chosen = search.value.trim() || decision.value ? `${shown} of ${visits.length} shown.` : "";
  summary.textContent = `${last} requests so far. ${newest} ${chosen}`.trim();
}

// follow goes to the request that the address means, once it is there.
function follow() {
  if (!wanted) return;
  const found = visits.findLast(({ visit: v }) => {
    const at = Date.parse(v.at);
    return v.method === wanted.get("method") && v.path === wanted.get("path") && at >= wanted.get("from") && at <= wanted.get("to");
  });
  if (!found) {
    linked.textContent = "The call you came from is not here: it has not been reported yet, or is too old.";
    return;
  }
  wanted = null;
  if (found.item.hidden) {
    search.value = decision.value = "";
    filter();
  }
  linked.textContent = "The call you came from is marked.";
  list.querySelector("[aria-current]")?.removeAttribute("aria-current");
  found.item.setAttribute("aria-current", "true");
  found.item.scrollIntoView({ block: "center" });
  found.item.focus({ preventScroll: true });
}

function read() {
  const address = new URLSearchParams(location.hash.slice(1));
  wanted = address.has("path") ? address : null;
  follow();
}

async function look() {
  try {
    const response = await fetch(`/trace.json?after=${last}`);
    const answer = await response.json();
    for (const visit of answer.visits) {
      last = visit.id;
      const item = row(visit);
      visits.push({ visit, item });
      list.prepend(item);
    }
    for (const { item } of visits.splice(0, Math.max(visits.length - kept, 0))) item.remove();
    if (answer.visits.length > 0) filter();
    follow();
  } catch {
    summary.textContent = "The demo no longer answers.";
  }
  setTimeout(look, period);
}

document.getElementById("filter").addEventListener("submit", (event) => event.preventDefault());
search.addEventListener("input", filter);
decision.addEventListener("change", filter);
addEventListener("hashchange", read);
read();
look();
