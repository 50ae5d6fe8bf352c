// Draws a user's memberships in organizations and teams, and the changes of the last login.

import { el, fetchJson } from "./elements.js";

/** All memberships of the user of a token. */
export async function memberships(token) {
  const all = async (path, filter = "") => {
    const items = [];
    let cursor = "";
    do {
      const page = await fetchJson(`${path}?${filter}limit=100${cursor}`, { headers: { authorization: `Bearer ${token}` } });
      items.push(...page.items);
      cursor = page.next_cursor && `&cursor=${encodeURIComponent(page.next_cursor)}`;
    } while (cursor);
    return items;
  };
  const [organizations, teams] = await Promise.all([all("/users/me/organizations", "status=all&"), all("/users/me/teams")]);
  return new Map([
    ...organizations.map((item) => [`organization ${item.organization_id}`, {
      kind: "organization", name: item.organization.name, id: item.organization_id, ...about(item),
    }]),
    ...teams.map((item) => [`team ${item.team_id}`, {
      kind: "team", name: item.team.name, id: item.team_id, within: item.team.organization_id, ...about(item),
    }]),
  ]);
}

const about = ({ role, status, source }) => ({ role, status, source });

/** Compares two reads: marks each membership as "new", "gone", "changed" or "kept". */
export function compare(before, after) {
  const compared = [...after].map(([key, now]) => {
    const was = before.get(key);
    if (!was) return { ...now, change: "new" };
    const same = was.role === now.role && was.status === now.status;
    return { ...now, change: same ? "kept" : "changed" };
  });
  const gone = [...before].filter(([key]) => !after.has(key)).map(([, was]) => ({ ...was, change: "gone" }));
  return [...compared, ...gone].sort((one, other) => one.name.localeCompare(other.name));
}

/** The tree of a user's memberships. */
export function tree(person, all) {
  const organizations = all.filter((one) => one.kind === "organization");
  const known = new Set(organizations.map((one) => one.id));
  const teamsOf = (id) => all.filter((one) => one.kind === "team" && one.within === id);
  const alone = all.filter((one) => one.kind === "team" && !known.has(one.within));
  const branches = [
    ...organizations.map((one) => branch(one, teamsOf(one.id).map((team) => branch(team, [])))),
    ...alone.map((team) => branch(team, [])),
  ];
  return el("ul", { className: "tree", "aria-label": `Memberships of ${person}` },
    el("li", {}, el("span", { className: "node person" }, person),
      el("ul", {}, ...(branches.length ? branches : [el("li", {}, el("span", { className: "node soft" }, "no organization"))]))));
}

const MARKS = { new: "granted", gone: "revoked", changed: "changed", kept: "kept" };

function branch(one, children) {
  const status = one.status === "active" ? "" : `, ${one.status}`;
  return el("li", {},
    el("span", { className: `node ${one.change}` },
      el("span", { className: "soft" }, one.kind === "team" ? "team " : ""),
      el("strong", {}, one.name), ` ${one.role}${status} `,
      el("span", { className: "tag" }, one.source), " ",
      el("span", { className: `tag ${one.change}` }, MARKS[one.change])),
    children.length ? el("ul", {}, ...children) : null);
}
