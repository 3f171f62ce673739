// element makes an element, with its attributes and its content.
export function element(tag, attributes, ...parts) {
  const e = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) e.setAttribute(name, value);
  e.append(...parts);
  return e;
}
