// Signs a user in as a single sign-on does, and shows the result of the login sync.

import { byId, el, facts, fetchJson, sendJson } from "./elements.js";
import { tokenFor, use } from "./token.js";
import { compare, memberships, tree } from "./tree.js";

const DIRECTORY = "/_local/entra/directory";
const GOOD = ["synced", "unchanged"];

/** Shows the directory's users; hidden without a local directory. */
export async function start({ entra }) {
  if (!entra.endsWith(DIRECTORY)) return;
  const form = byId("sign-in");
  const { users } = await fetchJson(DIRECTORY);
  form.elements.person.replaceChildren(...users.map((user) =>
    el("option", { value: user.user_id }, `${user.display_name} (${user.user_id})`)));
  form.elements.person.addEventListener("change", () => guard(showGroups));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    guard(signIn, event.submitter);
  });
  window.addEventListener("focus", () => guard(showLogins));
  byId("entra").hidden = false;
  await showGroups();
  await showLogins();
}

/** Runs an action and shows its error. */
async function guard(work, button) {
  byId("login-problem").textContent = "";
  if (button) button.disabled = true;
  try {
    await work();
  } catch (error) {
    byId("login-problem").textContent = error.message;
  } finally {
    if (button) button.disabled = false;
  }
}

/** The current directory and the selected user. */
async function chosen() {
  const directory = await fetchJson(DIRECTORY);
  const id = byId("sign-in").elements.person.value;
  const person = directory.users.find((user) => user.user_id === id);
  if (!person) throw new Error(`${id} is no longer in the directory`);
  return { directory, person };
}

async function showGroups() {
  const { directory, person } = await chosen();
  const assigned = new Set(directory.assignments.map((assignment) => assignment.to));
  const boxes = directory.groups.map((group) => el("label", {},
    el("input", {
      type: "checkbox",
      checked: group.members.includes(person.user_id),
      onchange: (event) => guard(() => putInto(group.id, event.target.checked)),
    }),
    el("span", {}, group.display_name ?? group.id,
      assigned.has(group.id) ? el("span", { className: "tag" }, "assigned") : null)));
  byId("groups").replaceChildren(byId("groups").querySelector("legend"), ...boxes);
}

/** Adds the selected user to a group of the directory, or removes them. */
async function putInto(id, isMember) {
  const { directory, person } = await chosen();
  const group = directory.groups.find((one) => one.id === id);
  group.members = group.members.filter((member) => member !== person.user_id);
  if (isMember) group.members.push(person.user_id);
  const response = await sendJson("PUT", DIRECTORY, directory);
  if (!response.ok) throw new Error((await response.json()).detail);
}

async function signIn() {
  const { directory, person } = await chosen();
  const identity = { user_id: person.user_id, tenant_id: directory.tenant_id, email: person.email };
  const before = await memberships((await tokenFor(identity)).access_token);
  const response = await sendJson("POST", "/2015-03-31/functions/post-login/invocations", {
    triggerSource: "PostLogin",
    tenantId: directory.tenant_id,
    userId: person.user_id,
    email: person.email,
    displayName: person.display_name,
    entraObjectId: person.id,
  });
  if (!response.ok || response.headers.has("x-amz-function-error")) throw new Error(await response.text());
  // After the login, so that it contains the granted roles.
  const token = await tokenFor(identity);
  const after = await memberships(token.access_token);
  const logins = await showLogins();
  const login = logins.find((one) => one.id === response.headers.get("x-amzn-requestid"));
  byId("login").replaceChildren(...report(person, login, compare(before, after)));
  use(token, identity, "signed in with Entra");
}

/** The report of a login: its steps, its figures, and the memberships of the user. */
function report(person, login, compared) {
  const name = person.display_name ?? person.user_id;
  const line = login?.line;
  if (!line) return [el("p", { className: "bad" }, "The login sync logged nothing: is post-login a function of this stack?")];
  const step = (title, ...lines) => el("li", {}, el("strong", {}, title), ...lines.map((text) => el("span", {}, text)));
  const outcome = step("Outcome", el("b", { className: GOOD.includes(line.outcome) ? "good" : "bad" }, said(line)), time(line.SyncDuration));
  outcome.id = "outcome";
  return [
    el("ol", { className: "flow", "aria-label": "Steps of the login" },
      step("Login", name, "event to post-login"),
      step("Entra", `${line.groups_of_user} groups of ${person.user_id}`, `${line.GroupsRead} assigned groups`, time(line.DirectoryDuration)),
      step("DynamoDB", `${line.calls} calls in ${line.round_trips} round trips`, `${line.units} capacity units`),
      outcome),
    ...login.failures.map((failure) => el("p", { className: "bad" }, failure)),
    el("dl", { className: "figures" }, ...facts(figures(line))),
    tree(name, compared),
    el("details", {}, el("summary", {}, "Log line"), el("pre", { tabIndex: 0 }, JSON.stringify(line, null, 2))),
  ];
}

const said = (line) => (line.reason ? `${line.outcome} (${line.reason})` : line.outcome);
const time = (milliseconds) => `${milliseconds.toFixed(1)} ms`;

const figures = (line) => ({
  granted: line.MembershipsMade,
  revoked: line.MembershipsRemoved,
  kept: line.MembershipsKept,
  "organizations created": line.OrganizationsMade,
  "teams created": line.TeamsMade,
  renamed: line.renamed,
  "unusable groups": line.groups_unusable,
  "failed writes": line.WritesFailed,
});

/** Shows the last logins of all users, the latest first. */
async function showLogins() {
  const { lines } = await fetchJson("/_local/logins");
  const logins = new Map();
  for (const line of lines) {
    const login = logins.get(line.request_id) ?? { id: line.request_id, failures: [] };
    if (line.error) login.failures.push(line.error);
    else login.line = line;
    logins.set(line.request_id, login);
  }
  const latest = [...logins.values()].reverse();
  byId("logins").replaceChildren(...latest.slice(0, 10).map(row));
  if (!latest.length) byId("logins").replaceChildren(el("p", { className: "soft" }, "No logins yet."));
  return latest;
}

function row({ line, failures }) {
  const at = line ? new Date(line.time).toLocaleTimeString() : "";
  const summary = line
    ? [el("strong", {}, line.user ?? "No user"), ` of ${line.tenant ?? "no tenant"} `,
      el("b", { className: GOOD.includes(line.outcome) ? "good" : "bad" }, said(line)),
      el("span", { className: "soft" }, ` +${line.MembershipsMade} −${line.MembershipsRemoved}, ${time(line.SyncDuration)}, ${line.calls} calls`)]
    : [el("b", { className: "bad" }, "failed")];
  return el("details", { className: "login" },
    el("summary", {}, el("time", { className: "soft" }, at), " ", ...summary),
    ...failures.map((failure) => el("p", { className: "bad" }, failure)),
    line ? el("pre", { tabIndex: 0 }, JSON.stringify(line, null, 2)) : null);
}
