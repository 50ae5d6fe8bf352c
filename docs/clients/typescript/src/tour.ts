// Ada creates an organization and invites users; Bob accepts. Runs against the local stack, which issues tokens:
//   MUSTER=http://127.0.0.1:3000 npm run tour
import { all, isProblem, muster, type Muster } from "./client.js";

const url = process.env["MUSTER"] ?? "http://127.0.0.1:3000";

async function as(user_id: string, groups: string[] = []): Promise<Muster> {
  const answer = await fetch(`${url}/_local/token`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ user_id, tenant_id: "acme", groups }),
  });
  const { access_token } = (await answer.json()) as { access_token: string };
  return muster(url, access_token);
}

/** The data of a response. Throws an error response. */
function done<Data>({ data, error }: { data?: Data; error?: unknown }): Data {
  if (data === undefined) {
    throw new Error(isProblem(error) ? `${error.code}: ${error.detail}` : "no response", { cause: error });
  }
  return data;
}

const [root, ada, bob] = await Promise.all([as("root", ["tenant-admins"]), as("ada"), as("bob")]);

const people = ["bob", "cleo", "dan"];
for (const user_id of people) {
  done(await root.PUT("/users/{user_id}", { params: { path: { user_id } }, body: { display_name: user_id } }));
}

const create = { params: { header: { "Idempotency-Key": "rockets-1" } }, body: { name: "Rockets" } };
const organization = done(await ada.POST("/organizations", create));
const again = await ada.POST("/organizations", create);
console.log(`created ${organization.name}, version ${organization.version}`);
console.log(`repeated: ${done(again).id === organization.id}, ${again.response.headers.get("idempotency-replayed")}`);

const organization_id = organization.id;
for (const user_id of people) {
  const invited = await ada.POST("/organizations/{organization_id}/members", {
    params: { path: { organization_id } },
    body: { user_id, role: user_id === "bob" ? "admin" : "member" },
  });
  console.log(`${done(invited).status} ${user_id}`);
}

const accepted = await bob.POST("/organizations/{organization_id}/members/{user_id}/accept", {
  params: { path: { organization_id, user_id: "me" } },
});
console.log(`accepted as ${done(accepted).role}`);

const members = all((cursor) =>
  ada.GET("/organizations/{organization_id}/members", {
    params: { path: { organization_id }, query: { status: "all", limit: 1, cursor } },
  }),
);
const names: string[] = [];
for await (const member of members) {
  names.push(`${member.user_id}:${member.status}`);
}
console.log(`members ${names.join(" ")}`);

const { error } = await bob.POST("/organizations", { body: { name: " rockets " } });
if (error !== undefined && isProblem(error)) {
  // The compiler knows every code, and which of them this operation has.
  const taken: boolean = error.code === "name-taken";
  console.log(`refused: ${error.status} ${error.code}, taken ${taken}`);
}
