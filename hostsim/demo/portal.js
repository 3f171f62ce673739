// Shows the answer without loading the page anew. Without this script the form
// works all the same.
"use strict";

const form = document.getElementById("call");
const place = document.getElementById("result");

function line(tag, ...parts) {
  const element = document.createElement(tag);
  element.append(...parts);
  return element;
}

function show(answer) {
  if (answer.problem) {
    place.replaceChildren(line("p", answer.problem));
    return;
  }
  place.replaceChildren(
    line("p", line("code", answer.request), " answered ", line("strong", answer.status)),
    line("p", answer.counts.map((c) => `${c.count} × ${c.status}`).join("  ")),
    line("pre", answer.headers.join("\n") + "\n\n" + answer.body),
  );
}

form?.addEventListener("submit", async (event) => {
  event.preventDefault();
  const button = form.querySelector("button");
  if (button.getAttribute("aria-disabled") === "true") return;
  button.setAttribute("aria-disabled", "true");
  try {
    const response = await fetch(form.action, {
      method: "POST",
      headers: { Accept: "application/json" },
      body: new URLSearchParams(new FormData(form)),
    });
    if (!response.headers.get("content-type")?.startsWith("application/json")) {
      location.assign("/"); // signed out meanwhile
      return;
    }
    show(await response.json());
  } catch {
    show({ problem: "The portal did not answer." });
  } finally {
    button.removeAttribute("aria-disabled");
  }
});
