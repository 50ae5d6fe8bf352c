// Shows the TXT records of the emulated DNS while their part of the page is open, and adds and removes them.

import { byId, el, fetchJson, sendJson } from "./elements.js";

const PATH = "/_local/dns";
const EVERY_MS = 2000;

let shown;

function record(name, value) {
  const remove = () => change((records) => {
    records[name] = (records[name] ?? []).filter((one) => one !== value);
    if (!records[name].length) delete records[name];
  });
  return el("li", {}, el("code", {}, name), " TXT ", el("code", {}, value), " ",
    el("button", { type: "button", onclick: remove, "aria-label": `Remove the record of ${name}` }, "Remove"));
}

function show(records) {
  const text = JSON.stringify(records);
  if (text === shown) return;
  shown = text;
  const all = Object.entries(records).flatMap(([name, values]) => values.map((value) => record(name, value)));
  byId("dns").replaceChildren(all.length
    ? el("ul", {}, ...all)
    : el("p", { className: "soft" }, "No records yet: all names are unknown."));
}

/** Changes the current records; a request replaces all of them. */
async function change(edit) {
  byId("dns-problem").textContent = "";
  try {
    const records = await fetchJson(PATH);
    edit(records);
    const response = await sendJson("PUT", PATH, records);
    const answer = await response.json().catch(() => null);
    if (!response.ok) throw new Error(answer?.detail ?? `${PATH} returned ${response.status}`);
    show(answer);
    return true;
  } catch (error) {
    byId("dns-problem").textContent = `The records were not changed: ${error.message}`;
    return false;
  }
}

export async function start() {
  const details = byId("dns-details");
  const form = byId("dns-record");
  const showIfOpen = () => details.open && fetchJson(PATH).then(show).catch((error) => {
    shown = undefined;
    byId("dns").replaceChildren(el("p", { className: "bad" }, `The records cannot be shown: ${error.message}`));
  });
  details.addEventListener("toggle", showIfOpen);
  setInterval(showIfOpen, EVERY_MS);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    // As the resolver compares names.
    const name = form.elements.name.value.trim().replace(/\.+$/, "").toLowerCase();
    const value = form.elements.value.value.trim();
    const isDone = await change((records) => {
      const values = records[name] ?? [];
      if (!values.includes(value)) records[name] = [...values, value];
    });
    if (!isDone) return;
    form.reset();
    details.open = true;
  });
}
