// The API's reference: Swagger UI with the document of this stack and the current token.

import { byId, el, fetchJson } from "./elements.js";

const METHODS = ["get", "put", "post", "delete", "patch"];

/** Shows the reference. */
export async function start() {
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const follow = () => document.documentElement.classList.toggle("dark-mode", dark.matches);
  dark.addEventListener("change", follow);
  follow();

  const spec = prepared(await fetchJson("/_local/openapi.json"));
  const ids = new Ids();
  const filled = new Map();
  let ready;
  const completed = new Promise((resolve) => { ready = resolve; });
  byId("reference").replaceChildren(el("div", { id: "swagger-ui" }));
  const ui = window.SwaggerUIBundle({
    spec,
    dom_id: "#swagger-ui",
    // No external validator.
    validatorUrl: null,
    tryItOutEnabled: true,
    displayRequestDuration: true,
    filter: true,
    docExpansion: "list",
    defaultModelsExpandDepth: 0,
    plugins: [() => ({ statePlugins: { spec: { wrapActions: { requestResolvedSubtree: resolveAtOnce(spec) } } } })],
    onComplete: () => {
      fillIn(ui, spec, ids, filled);
      ready();
    },
    responseInterceptor: (response) => {
      ids.remember(response);
      fillIn(ui, spec, ids, filled);
      return response;
    },
  });
  const [scheme] = Object.entries(spec.components?.securitySchemes ?? {})
    .find(([, one]) => one.type === "http" && one.scheme === "bearer") ?? [];
  let token;
  const authorize = () => completed.then(() => { if (token) ui.preauthorizeApiKey(scheme, token); });
  document.addEventListener("token", (event) => { token = event.detail; authorize(); });
}

/** Prepares the document for trying calls. */
function prepared(spec) {
  // The page may have been opened under another host name of this machine.
  spec.servers = [{ url: location.origin }];
  // Nothing on this page can receive a webhook.
  delete spec.webhooks;
  // resolveAtOnce() does not give the parameters of a path to its calls.
  for (const item of Object.values(spec.paths)) {
    for (const method of METHODS.filter((name) => item[name])) {
      item[method].parameters = [...(item[method].parameters ?? []), ...(item.parameters ?? [])];
    }
    delete item.parameters;
  }
  // The reference would send the examples of optional parameters, such as a version in If-Match.
  for (const { parameter } of parameters(spec)) if (!parameter.required) delete parameter.example;
  // All errors have the same form: their descriptions suffice, ten examples per call are too long.
  for (const response of Object.values(spec.components.responses)) {
    if (!response.content?.["application/problem+json"]) continue;
    delete response.content;
    delete response.headers;
  }
  return spec;
}

/** Replaces Swagger UI's own resolver, which reads the whole document whenever a call is opened, for about a second. */
const resolveAtOnce = (spec) => (_original, { specActions }) => (path) => {
  const part = path.reduce((value, key) => value?.[key], spec);
  if (part !== undefined) specActions.updateResolvedSubtree(path, resolved(spec, part, []));
};

/** A copy of a part of the document with what its references name. A reference to a schema that contains it stays. */
function resolved(spec, value, within) {
  if (Array.isArray(value)) return value.map((one) => resolved(spec, one, within));
  if (value === null || typeof value !== "object") return value;
  const { $ref, ...own } = value;
  if (typeof $ref !== "string" || within.includes($ref)) {
    return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, resolved(spec, one, within)]));
  }
  const named = $ref.slice(2).split("/").reduce((part, key) => part[key], spec);
  // Swagger UI shows the last part of $$ref as the name of a schema.
  return { ...resolved(spec, named, [...within, $ref]), ...resolved(spec, own, within), $$ref: $ref };
}

/** Every parameter with the calls that take it. */
function* parameters(spec) {
  for (const [path, item] of Object.entries(spec.paths)) {
    for (const method of METHODS.filter((name) => item[name])) {
      for (const parameter of item[method].parameters) yield { path, method, parameter };
    }
  }
}

/** The parameter that has the id of a response to a call of this path. */
const OWN_ID = [
  [/\/webhook-endpoints\/[^/]+\/deliveries$/, "delivery_id"],
  [/\/invitations(\/[^/]+)?$/, "invitation_id"],
  [/\/webhook-endpoints(\/[^/]+)?$/, "endpoint_id"],
  [/\/directories(\/[^/]+)?$/, "directory_id"],
  [/\/directories\/[^/]+\/runs$/, "run_id"],
  [/\/domains(\/[^/]+(\/verify)?)?$/, "domain"],
  [/\/events(\/[^/]+)?$/, "event_id"],
  [/\/teams(\/[^/]+(\/restore)?)?$/, "team_id"],
  [/\/(organizations|teams|users)\b/, "organization_id"],
];

/**
 * Known ids by their place in a path: the response to a call has the id of what it created, and the user
 * last added to an organization or a team is the one to get, change and remove there.
 */
class Ids {
  #known = { users: "bob" };

  /** Stores the ids of a response. */
  remember({ ok, url, body, obj }) {
    const answer = body ?? obj;
    const first = answer?.items ? answer.items[0] : answer;
    if (!ok || !first) return;
    const [, collection, , members, user] = new URL(url).pathname.split("/");
    const known = this.#known;
    const { pathname } = new URL(url);
    const own = OWN_ID.find(([path]) => path.test(pathname))?.[1];
    const ids = [[own, first.id]];
    // An event can be about something that is gone by now.
    if (["organization_id", "team_id"].includes(own)) {
      ids.push(["organization_id", first.organization_id], ["team_id", first.team_id]);
    }
    for (const [name, value] of ids) {
      // A created resource has priority over the first one of a list.
      if (typeof value === "string") known[name] = answer.items ? known[name] ?? value : value;
    }
    if (members === "members" && !user && !answer.items) known[collection] = first.user_id;
  }

  /** The value for the path of a call; undefined where "me" is enough. */
  of(method, path, name) {
    if (name !== "user_id") return this.#known[name];
    const [, collection, , last] = path.split("/");
    if (path.endsWith("/accept") || (collection === "users" && !["put", "patch", "delete"].includes(method))) return undefined;
    return last === "members" || collection === "users" ? this.#known[collection] : undefined;
  }
}

/** Fills the known ids into the paths of all calls, each once. */
function fillIn(ui, spec, ids, filled) {
  for (const { path, method, parameter } of parameters(spec)) {
    const value = parameter.in === "path" ? ids.of(method, path, parameter.name) : undefined;
    const place = `${method} ${path} ${parameter.name}`;
    if (value === undefined || filled.get(place) === value) continue;
    filled.set(place, value);
    ui.specActions.changeParam([path, method], parameter.name, "path", value, false);
  }
}
