// Shows what identity providers have sent to directories of type `scim`, while its part of the page is open. The
// directories are read with the token of the page, whose user must be a tenant admin.

import { byId, el, fetchJson } from "./elements.js";

const EVERY_MS = 2000;

let token;

function table(className, names, rows) {
  const row = (cells) => el("tr", {}, ...cells.map((cell) => el("td", {}, cell)));
  return el("div", { className: "scrolled", tabIndex: 0 }, el("table", { className },
    el("thead", {}, el("tr", {}, ...names.map((name) => el("th", { scope: "col" }, name)))),
    el("tbody", {}, ...rows.map(row))));
}

/** A part of all, or a note that there is none. */
function listed(what, { total, items }, names, rows) {
  const title = el("h4", {}, `${what} (${total})`);
  if (!items.length) return [title, el("p", { className: "soft" }, "None yet.")];
  const more = total > items.length ? el("p", { className: "soft" }, `The first ${items.length} are shown.`) : null;
  return [title, table(`sent ${what.toLowerCase()}`, names, items.map(rows)), more].filter(Boolean);
}

const userRow = (one) => [one.user_name, one.active ? "active" : "not active", one.user_id ?? "not linked"];

function groupRow(one) {
  const more = one.member_count - one.members.length;
  return [one.name, one.members.join(", ") + (more ? ` and ${more} more` : "")];
}

async function directory(one) {
  const { users, groups } = await fetchJson(`/_local/scim/${encodeURIComponent(one.tenant_id)}/${encodeURIComponent(one.id)}`);
  const base = `${location.origin}/scim/v2/${one.id}`;
  return [
    el("h3", {}, one.name, el("span", { className: "soft" }, ` ${one.status}`)),
    el("p", { className: "soft" }, "Base URL: ", el("code", {}, base)),
    ...listed("Users", users, ["userName", "Access", "Linked user"], userRow),
    ...listed("Groups", groups, ["Name", "Members"], groupRow),
  ];
}

async function show() {
  if (!token) return [el("p", { className: "soft" }, "Get a token of a tenant admin first.")];
  const { items } = await fetchJson("/directories", { headers: { authorization: `Bearer ${token}` } });
  const directories = items.filter((one) => one.type === "scim");
  if (!directories.length) {
    return [el("p", { className: "soft" }, "No directory of type ", el("code", {}, "scim"), " yet. ",
      el("code", {}, "POST /directories"), " creates one.")];
  }
  return (await Promise.all(directories.map(directory))).flat();
}

export async function start() {
  const details = byId("scim-details");
  let shown;
  const showIfOpen = async () => {
    if (!details.open) return;
    const nodes = await show().catch((error) =>
      [el("p", { className: "bad" }, `The directory cannot be shown: ${error.message}`)]);
    // Unchanged rows stay, so that a selection in them does.
    const text = nodes.map((node) => node.outerHTML).join("");
    if (text !== shown) byId("scim").replaceChildren(...nodes);
    shown = text;
  };
  document.addEventListener("token", (event) => { token = event.detail; showIfOpen(); });
  details.addEventListener("toggle", showIfOpen);
  setInterval(showIfOpen, EVERY_MS);
}
