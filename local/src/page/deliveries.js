// Shows the deliveries to webhook endpoints, the latest first, while its part of the page is open. They are read with the
// token of the page, whose user must be a tenant admin.

import { byId, el, fetchJson } from "./elements.js";

const SHOWN = 10;
const EVERY_MS = 2000;

let token;

const read = (path) => fetchJson(path, { headers: { authorization: `Bearer ${token}` } });

function row(one) {
  const result = one.response_status ?? one.error ?? "";
  const cells = [one.event_type, one.status, one.attempts, result, one.last_attempt_at, one.next_attempt_at ?? ""];
  return el("tr", {}, ...cells.map((cell) => el("td", {}, String(cell))));
}

async function table(endpoint) {
  const { items } = await read(`/webhook-endpoints/${endpoint.id}/deliveries?limit=${SHOWN}`);
  const title = el("h3", {}, el("code", {}, endpoint.url), el("span", { className: "soft" }, ` ${endpoint.status}`));
  if (!items.length) return [title, el("p", { className: "soft" }, "No deliveries yet.")];
  const names = ["Event", "Status", "Attempts", "Result", "Last attempt", "Next attempt"];
  return [title, el("div", { className: "scrolled", tabIndex: 0 }, el("table", { className: "deliveries" },
    el("thead", {}, el("tr", {}, ...names.map((name) => el("th", { scope: "col" }, name)))),
    el("tbody", {}, ...items.map(row))))];
}

async function show() {
  if (!token) return [el("p", { className: "soft" }, "Get a token of a tenant admin first.")];
  const { items } = await read("/webhook-endpoints");
  if (!items.length) {
    return [el("p", { className: "soft" }, "No webhook endpoints yet. ", el("code", {}, "POST /webhook-endpoints"), " creates one.")];
  }
  return (await Promise.all(items.map(table))).flat();
}

export async function start() {
  const details = byId("deliveries-details");
  let shown;
  const showIfOpen = async () => {
    if (!details.open) return;
    const nodes = await show().catch((error) =>
      [el("p", { className: "bad" }, `The deliveries cannot be shown: ${error.message}`)]);
    // Unchanged rows stay, so that a selection in them does.
    const text = nodes.map((node) => node.outerHTML).join("");
    if (text !== shown) byId("deliveries").replaceChildren(...nodes);
    shown = text;
  };
  document.addEventListener("token", (event) => { token = event.detail; showIfOpen(); });
  details.addEventListener("toggle", showIfOpen);
  setInterval(showIfOpen, EVERY_MS);
}
