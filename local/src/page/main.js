// Starts the parts of the page; the failure of one does not affect the others.

import { byId, el, facts, fetchJson } from "./elements.js";
import * as deliveries from "./deliveries.js";
import * as dns from "./dns.js";
import * as events from "./events.js";
import * as invitation from "./invitation.js";
import * as login from "./login.js";
import * as mail from "./mail.js";
import * as reference from "./reference.js";
import * as scim from "./scim.js";
import * as token from "./token.js";

function showRunning(running) {
  const mono = (text) => el("code", {}, text);
  const link = (path) => el("a", { href: path }, mono(path));
  const directory = running.entra.startsWith(running.url) ? link(running.entra.slice(running.url.length)) : mono(running.entra);
  byId("running").append(...facts({
    Version: running.version,
    API: mono(running.url),
    DynamoDB: mono(running.dynamodb_url),
    Table: mono(running.table_name),
    "Entra directory": directory,
    "Keys for tokens": link("/_local/.well-known/jwks.json"),
    "OpenAPI document": link("/_local/openapi.json"),
  }));
  byId("invoke").textContent = `curl ${running.url}/2015-03-31/functions/get-user/invocations -d @events/get-user.json`;
  byId("functions").append(...running.functions.map((one) => el("li", {}, mono(one.binary))));
}

async function start() {
  const running = await fetchJson("/_local/routes");
  showRunning(running);
  token.start(running.tenant_admin_group);
  const parts = [
    [reference, "reference"], [invitation, "invitation-preview"], [login, "login"], [events, "events"],
    [deliveries, "deliveries"], [mail, "mails"], [dns, "dns"], [scim, "scim"],
  ];
  for (const [part, place] of parts) {
    part.start(running).catch((error) => {
      byId(place).replaceChildren(el("p", { className: "bad" }, `This part cannot be shown: ${error.message}`));
    });
  }
}

start().catch((error) => {
  byId("identity").textContent = `The local stack does not respond: ${error.message}`;
});
