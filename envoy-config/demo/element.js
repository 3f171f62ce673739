// element makes an element, with its attributes and its content.
export function element(tag, attributes, ...parts) {
  const e = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) e.setAttribute(name, value);
  e.append(...parts);
  return e;
}

// cell is one of a table that stacks on a narrow window, where it shows its label.
export function cell(label, content) {
  return element("td", { role: "cell", "data-label": label }, content instanceof Node ? content : String(content));
}
