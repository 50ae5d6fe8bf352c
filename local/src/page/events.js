// Shows what was put on the event bus, newest first, while its part of the page is open.

import { byId, el, fetchJson } from "./elements.js";

const SHOWN = 20;
const EVERY_MS = 2000;

function entry(one) {
  return el("li", {}, el("strong", {}, one.DetailType), ` ${one.Time}`,
    el("pre", { tabIndex: 0 }, JSON.stringify(JSON.parse(one.Detail), null, 2)));
}

let newest;

async function show() {
  const { items } = await fetchJson("/_local/events");
  if (items[0]?.EventId === newest && newest) return;
  newest = items[0]?.EventId;
  byId("events").replaceChildren(items.length
    ? el("ul", {}, ...items.slice(0, SHOWN).map(entry))
    : el("p", { className: "soft" }, "No events yet."));
}

export async function start() {
  const details = byId("events-details");
  const showIfOpen = () => details.open && show().catch((error) => {
    byId("events").replaceChildren(el("p", { className: "bad" }, `The events cannot be shown: ${error.message}`));
  });
  details.addEventListener("toggle", showIfOpen);
  setInterval(showIfOpen, EVERY_MS);
}
