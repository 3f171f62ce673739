// Shows the answer without loading the page anew. Without this script the form
// works all the same.
import { element } from "/element.js";

const form = document.getElementById("call");
const place = document.getElementById("result");

function show(answer) {
  if (answer.problem) {
    place.replaceChildren(element("p", {}, answer.problem));
    return;
  }
  place.replaceChildren(
    element("p", {}, element("code", {}, answer.request), " answered ", element("strong", {}, answer.status)),
    element("p", {}, answer.counts.map((c) => `${c.count} × ${c.status}`).join("  ")),
    element("pre", {}, answer.headers.join("\n") + "\n\n" + answer.body),
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

// fill asks for what a card shows.
async function fill(card) {
  const text = card.querySelector(".card");
  text.textContent = "Loading…";
  try {
    const answer = await call({ call: card.dataset.call, with_key: "on", with_token: "on", times: "1" });
    if (answer === null) return;
    const ok = answer.status?.startsWith("200");
    card.dataset.state = ok ? "filled" : "refused";
    if (!ok) {
      text.textContent = answer.problem ?? `The gateway answered ${answer.status}.`;
      return;
    }
    const { order, identity } = JSON.parse(answer.body);
    const total = order.total.amount ? `${order.total.amount} ${order.total.currency}` : order.total;
    text.textContent = `Order ${order.id}: ${total}. The backend was told: app ${identity["x-sallyport-app"]}.`;
  } catch {
    text.textContent = "The portal did not answer.";
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
