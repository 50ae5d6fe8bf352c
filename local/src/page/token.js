// Gets a token, shows it, and passes it to the reference.

import { byId, copyButton, el, fetchJson } from "./elements.js";

/** Requests a token for an identity. */
export const tokenFor = (identity) =>
  fetchJson("/_local/token", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(identity),
  });

/** Uses a token for all calls from now on. */
export function use({ access_token: token, expires_in: seconds }, identity, how) {
  const until = new Date(Date.now() + seconds * 1000).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
  const groups = identity.groups?.length ? `, in ${identity.groups.join(", ")}` : "";
  const email = identity.email ? `, ${identity.email}` : "";
  byId("identity").replaceChildren(
    "You are ", el("strong", {}, identity.user_id), " of ", el("strong", {}, identity.tenant_id),
    el("span", { className: "soft" }, `${groups}${email}; ${how}, valid until ${until}`));
  byId("identity-actions").replaceChildren(
    copyButton("Copy token", () => token),
    copyButton("Copy as curl", () => curl(token)));
  byId("claims").textContent = JSON.stringify(claims(token), null, 2);
  byId("token-details").hidden = false;
  document.dispatchEvent(new CustomEvent("token", { detail: token }));
}

/** A first call with this token, for a terminal. */
const curl = (token) => `curl ${location.origin}/users/me/organizations -H 'authorization: Bearer ${token}'`;

function claims(token) {
  const base64 = token.split(".")[1].replaceAll("-", "+").replaceAll("_", "/");
  return JSON.parse(new TextDecoder().decode(Uint8Array.from(atob(base64), (char) => char.charCodeAt(0))));
}

/** The form for the identity. */
export function start(adminGroup) {
  const form = byId("who");
  const presets = [
    ["Ada", "a tenant admin of acme", { user_id: "ada", tenant_id: "acme", groups: adminGroup, email: "" }],
    ["Bob", "a user of acme", { user_id: "bob", tenant_id: "acme", groups: "", email: "" }],
    ["Zoe", "a user of another tenant", { user_id: "zoe", tenant_id: "globex", groups: "", email: "" }],
  ];
  const fill = (fields) => {
    for (const [name, value] of Object.entries(fields)) form.elements[name].value = value;
  };
  byId("admin-group").textContent = adminGroup;
  byId("presets").append(...presets.map(([name, what, fields], at) =>
    el("label", {},
      el("input", { type: "radio", name: "preset", checked: at === 0, onchange: () => fill(fields) }),
      el("span", {}, el("strong", {}, name), ` ${what}`))));
  fill(presets[0][2]);
  for (const name of ["user_id", "tenant_id", "groups", "email"]) {
    form.elements[name].addEventListener("input", () => {
      for (const preset of form.elements.preset) preset.checked = false;
    });
  }
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const fields = new FormData(form);
    const identity = {
      user_id: fields.get("user_id").trim(),
      tenant_id: fields.get("tenant_id").trim(),
      groups: fields.get("groups").split(/[\s,]+/).filter(Boolean),
    };
    const email = fields.get("email").trim();
    if (email) identity.email = email;
    byId("token-problem").textContent = "";
    try {
      use(await tokenFor(identity), identity, "by the local issuer");
    } catch (error) {
      byId("token-problem").textContent = `No token: ${error.message}`;
    }
  });
}
