// Shows the invitation of the link that opened the page, and accepts or declines it with the token of the page. Opening
// changes nothing: only the buttons do.

import { byId, el, facts, fetchJson, sendJson } from "./elements.js";
import { tokenFor, use } from "./token.js";

/** The token in the link of the mail; null without one. */
const link = new URLSearchParams(location.search).get("invitation");

let bearer;

export async function start() {
  if (link === null) return;
  byId("invitation").hidden = false;
  let preview;
  await guard(async () => { preview = await fetchJson(`/invitations/${encodeURIComponent(link)}`); });
  if (!preview) return byId("invitation-preview").replaceChildren();
  const signIn = byId("invitation-sign-in");
  const answer = byId("invitation-answer");
  byId("invitation-preview").replaceChildren(el("dl", { className: "facts" }, ...facts({
    Organization: preview.organization.name,
    Role: preview.role,
    "Invited by": preview.invited_by.display_name ?? "unknown",
    Address: preview.email,
    "Valid until": new Date(preview.expires_at).toLocaleString(),
  })));
  signIn.elements.user_id.value = preview.email.split("@")[0].toLowerCase();
  signIn.elements.tenant_id.value = "acme";
  signIn.querySelector("button").textContent = `Sign in as ${preview.email}`;
  signIn.hidden = false;
  answer.hidden = false;
  signIn.addEventListener("submit", (event) => {
    event.preventDefault();
    guard(() => signInAs(preview.email));
  });
  answer.addEventListener("submit", (event) => {
    event.preventDefault();
    guard(() => send(event.submitter.value, preview));
  });
  document.addEventListener("token", ({ detail }) => {
    bearer = detail;
    for (const button of answer.querySelectorAll("button")) button.disabled = false;
  });
}

/** Runs an action and shows its error. */
async function guard(work) {
  byId("invitation-problem").textContent = "";
  try {
    await work();
  } catch (error) {
    byId("invitation-problem").textContent = error.message;
  }
}

/** Gets a token of a user with the invited address, which the local issuer calls verified. */
async function signInAs(email) {
  const { elements } = byId("invitation-sign-in");
  const identity = { user_id: elements.user_id.value.trim(), tenant_id: elements.tenant_id.value.trim(), email };
  use(await tokenFor(identity), identity, "by its invitation");
}

/** Accepts or declines. */
async function send(verb, preview) {
  const response = await sendJson("POST", `/invitations/${verb}`, { token: link }, bearer);
  const body = await response.json().catch(() => null);
  if (!response.ok) throw new Error(body?.detail ?? `The answer has the status ${response.status}.`);
  byId("invitation-sign-in").hidden = true;
  byId("invitation-answer").hidden = true;
  const { name } = preview.organization;
  byId("invitation-outcome").textContent = verb === "accept"
    ? `${body.user_id} is a member of ${name} with the role ${body.role}.`
    : `The invitation to ${name} is declined.`;
}
