// better-auth with its organization plugin on SQLite, as its guides set it up: a process for each core, WAL,
// sessions in the database. Rate limits are off and the limits of an organization are out of the way, because
// they would refuse the load.
import cluster from "node:cluster";
import http from "node:http";

import { betterAuth } from "better-auth";
import { getMigrations } from "better-auth/db/migration";
import { fromNodeHeaders, toNodeHandler } from "better-auth/node";
import { organization } from "better-auth/plugins";
import Database from "better-sqlite3";

const { PORT, DATABASE, WORKERS } = process.env;
const address = `http://127.0.0.1:${PORT}`;

const database = new Database(DATABASE);
database.pragma("journal_mode = WAL");
database.pragma("synchronous = NORMAL");
database.pragma("busy_timeout = 5000");

const auth = betterAuth({
  baseURL: address,
  secret: "a secret of thirty-two characters or more",
  database,
  emailAndPassword: { enabled: true },
  rateLimit: { enabled: false },
  telemetry: { enabled: false },
  plugins: [
    organization({
      membershipLimit: 1_000_000,
      invitationLimit: 1_000_000,
      organizationLimit: 1_000_000,
      sendInvitationEmail: async () => {},
    }),
  ],
});

/** What the plugin leaves to the application: adding a member has no route of its own. */
async function application(request, url) {
  const headers = fromNodeHeaders(request.headers);
  const organizationId = url.searchParams.get("organizationId");
  if (url.pathname === "/app/add-member") {
    const permissions = { member: ["create"] };
    const may = await auth.api.hasPermission({ headers, body: { organizationId, permissions } });
    if (!may.success) return [403, {}];
    const [userId, role] = [url.searchParams.get("userId"), url.searchParams.get("role")];
    return [200, await auth.api.addMember({ body: { organizationId, userId, role } })];
  }
  // For the count after a race, when possibly no one is left who may ask.
  const { adapter } = await auth.$context;
  const where = [{ field: "organizationId", value: organizationId }];
  const [members, invitations] = [
    await adapter.findMany({ model: "member", where }),
    await adapter.findMany({ model: "invitation", where }),
  ];
  return [200, { members, invitations }];
}

function serve() {
  const plugin = toNodeHandler(auth);
  const server = http.createServer(async (request, response) => {
    const url = new URL(request.url, address);
    if (url.pathname === "/health") return response.end("ok");
    if (url.pathname.startsWith("/api/auth/")) return plugin(request, response);
    let [status, body] = [500, {}];
    try {
      [status, body] = await application(request, url);
    } catch (error) {
      [status, body] = [error.statusCode ?? 500, { message: error.message }];
    }
    response.writeHead(status, { "content-type": "application/json" });
    response.end(JSON.stringify(body));
  });
  server.keepAliveTimeout = 60_000;
  server.listen(Number(PORT), "127.0.0.1");
}

if (process.argv[2] === "migrate") {
  const { runMigrations } = await getMigrations(auth.options);
  await runMigrations();
} else if (cluster.isPrimary) {
  for (let n = 0; n < Number(WORKERS); n += 1) cluster.fork();
} else {
  serve();
}
