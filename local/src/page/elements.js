// Shared by all parts of the page. Data is inserted as text, never as markup.

export const byId = (id) => document.getElementById(id);

/** Creates an element; properties that start with "on" are event listeners. */
export function el(tag, properties = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (name in node) node[name] = value;
    else node.setAttribute(name, value);
  }
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

/** The items of a description list. */
export const facts = (all) =>
  Object.entries(all).map(([name, value]) => el("div", {}, el("dt", {}, name), el("dd", {}, value)));

/** A button that copies the result of `text`. */
export function copyButton(label, text) {
  const button = el("button", {
    type: "button",
    onclick: async () => {
      try {
        await navigator.clipboard.writeText(text());
        button.textContent = "Copied";
      } catch {
        button.textContent = "Not allowed here";
      }
      setTimeout(() => { button.textContent = label; }, 2000);
    },
  }, label);
  return button;
}

/** Fetches JSON from this stack; throws the message of a problem. */
export async function fetchJson(path, options = {}) {
  const response = await fetch(path, { cache: "no-store", ...options });
  const answer = await response.json().catch(() => null);
  if (!response.ok) {
    throw new Error(answer?.detail ?? answer?.error?.message ?? `${path} returned ${response.status}`);
  }
  return answer;
}

/** Sends JSON to this stack, with the token of a user if there is one. */
export const sendJson = (method, path, body, bearer) =>
  fetch(path, {
    method,
    headers: { "content-type": "application/json", ...(bearer && { authorization: `Bearer ${bearer}` }) },
    body: JSON.stringify(body),
  });
