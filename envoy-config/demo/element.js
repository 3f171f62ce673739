// element makes one, with its attributes and what stands in it.
export function element(tag, attributes, ...parts) {
  const e = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) e.setAttribute(name, value);
  e.append(...parts);
  return e;
}
