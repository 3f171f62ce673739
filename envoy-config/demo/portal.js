// Shows the answer without loading the page again. Without this script the form
// works all the same.
import { element } from "/element.js";

const form = document.getElementById("call");
const place = document.getElementById("result");

// why says who refused, for which reason, and what to do about it.
function why(answer) {
  if (!answer.reason) return [];
  const at = answer.door ? ` at ${answer.door}` : "";
  const parts = [element("p", { class: "problem" }, `Refused${at}: ${answer.reason}`)];
  if (answer.advice) parts.push(element("p", {}, answer.advice));
  return parts;
}

// links lead on from an answer, where there are pages besides this one.
function links(answer, subject) {
  const line = element("p", { class: "links" });
  if (!document.body.dataset.nav) return line;
  const about = subject && `: ${subject}`;
  if (answer.advice) line.append(element("a", { href: `/troubleshooting#${answer.reason}` }, `What to do about ${answer.reason}`));
  line.append(element("a", { href: answer.trace, "aria-label": `See it in Trace${about}` }, "See it in Trace"));
  return line;
}

function show(answer) {
  if (answer.problem) {
    place.replaceChildren(element("p", {}, answer.problem));
    return;
  }
  place.replaceChildren(
    element("p", {}, element("code", {}, answer.request), " answered ", element("strong", {}, answer.status)),
    element("p", {}, answer.counts.map((c) => `${c.count} × ${c.status}`).join("  ")),
    ...why(answer), links(answer, ""),
    element("pre", { tabindex: "0", "aria-label": "Headers and body" }, answer.headers.join("\n") + "\n\n" + answer.body),
  );
}

async function call(fields) {
  const response = await fetch("/call", {
    method: "POST",
    headers: { Accept: "application/json" },
    body: new URLSearchParams(fields),
  });
  if (!response.headers.get("content-type")?.startsWith("application/json")) {
    location.assign("/"); // signed out meanwhile
    return null;
  }
  return response.json();
}

// content is what a good answer says: figures, or an order.
function content({ order, figures, identity }) {
  if (figures) return element("dl", {}, ...figures.flatMap((f) => [element("dt", {}, f.label), element("dd", {}, f.value)]));
  const total = order.total.amount ? `${order.total.amount} ${order.total.currency}` : order.total;
  return element("p", {}, `Order ${order.id}: ${total}. The backend was sent: app ${identity["x-sallyport-app"]}.`);
}

// fill asks for what a card shows.
async function fill(card) {
  const place = card.querySelector(".card");
  const say = (text) => place.replaceChildren(element("p", {}, text));
  say("Loading…");
  try {
    const answer = await call({ call: card.dataset.call, with_key: "on", with_token: "on", times: "1" });
    if (answer === null) return;
    const ok = answer.status?.startsWith("200");
    card.dataset.state = ok ? "filled" : "refused";
    if (answer.problem) {
      say(answer.problem);
      return;
    }
    const subject = card.querySelector("h3").textContent;
    if (!ok) {
      place.replaceChildren(element("p", {}, `The gateway answered ${answer.status}.`), ...why(answer), links(answer, subject));
      return;
    }
    place.replaceChildren(content(JSON.parse(answer.body)), links(answer, subject));
  } catch {
    say("The portal did not answer.");
  }
}

document.querySelectorAll("#cards [data-call]").forEach(fill);

form?.addEventListener("submit", async (event) => {
  event.preventDefault();
  const button = form.querySelector("button");
  if (button.getAttribute("aria-disabled") === "true") return;
  button.setAttribute("aria-disabled", "true");
  try {
    const answer = await call(new FormData(form));
    if (answer !== null) show(answer);
  } catch {
    show({ problem: "The portal did not answer." });
  } finally {
    button.removeAttribute("aria-disabled");
  }
});
