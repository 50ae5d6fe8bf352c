// Drives the page in a browser and prints its observations as JSON, which page.rs checks.
// Writes screenshots to a folder, and another one after a failure.
// node browser.cjs CHROMIUM URL FOLDER WIDTH HEIGHT VISIT GIVEN
// VISIT is a function of "visits"; GIVEN is JSON with what it needs.
const { chromium } = require("playwright-core");

const [executablePath, url, folder, width, height, visit, given] = process.argv.slice(2);
const LIMIT = 20_000;
const seen = { console: [], outside: [], too_wide: [], tried: {} };

async function main() {
  const browser = await chromium.launch({
    executablePath,
    args: [
      "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
      "--disable-background-networking", "--disable-component-update", "--disable-sync",
    ],
  });
  const isPhone = width < 500;
  const context = await browser.newContext({
    viewport: { width: Number(width), height: Number(height) }, isMobile: isPhone, hasTouch: isPhone,
  });
  context.setDefaultTimeout(LIMIT);
  context.on("page", watch);
  const page = await context.newPage();
  try {
    await visits[visit](page, JSON.parse(given));
  } catch (error) {
    for (const one of context.pages()) await shoot(one, `failed-${context.pages().indexOf(one)}`);
    throw error;
  } finally {
    await browser.close();
  }
}

/** Records what goes wrong in a page. */
function watch(page) {
  page.on("response", (response) => {
    if (response.status() >= 400) seen.console.push(`${response.status()} ${response.request().method()} ${response.url()}`);
  });
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) seen.console.push(message.text());
  });
  page.on("pageerror", (error) => seen.console.push(String(error)));
  page.on("request", (request) => {
    const { protocol, hostname } = new URL(request.url());
    if (!["data:", "blob:"].includes(protocol) && hostname !== "127.0.0.1") seen.outside.push(request.url());
  });
}

const visits = { calls, all_calls: allCalls, invitations, directory };

async function allCalls(page) {
  await calls(page);
  await tryAllCalls(page);
}

async function calls(page) {
  await page.goto(url);
  await page.locator(".opblock").first().waitFor();
  seen.running = await page.locator("#running").innerText();
  await shoot(page, "1-opened", ["light", "dark"]);

  // Two clicks: the user and the button.
  await page.getByText("Ada a tenant admin").click();
  await page.getByRole("button", { name: "Get a token" }).click();
  await page.getByText("You are ada").waitFor();
  seen.identity = await page.locator("#identity").innerText();

  const create = page.locator(".opblock-post", { has: page.locator('[data-path="/organizations"]') });
  seen.created = await execute(create);
  const list = page.locator(".opblock-get", { has: page.locator('[data-path="/organizations"]') });
  seen.listed = await execute(list);
  await shoot(page, "2-called");
  for (const call of [create, list]) await call.locator(".opblock-summary-control").click();

  seen.deliveries = await deliveries(page);

  seen.logins = [];
  seen.logins.push(await signIn(page, "alan"));
  await shoot(page, "4-signed-in");
  const replaced = page.waitForResponse((response) => response.request().method() === "PUT");
  await page.locator("#groups label", { hasText: "Compilers" }).click();
  await replaced;
  seen.logins.push(await signIn(page, "alan"));
  await shoot(page, "5-left-a-group", ["light", "dark"]);
  seen.last_logins = await page.locator("#logins details").count();
  seen.signed_in_as = await page.locator("#identity").innerText();
}

/**
 * Opens the links of two mails: one user accepts after signing in for it, the other declines with a token of their
 * own. Then adds and removes records of DNS.
 */
async function invitations(page, { accepting, declining, records }) {
  await page.goto(url);
  const opened = await openLink(page, accepting);
  await opened.locator("#invitation-preview dl").waitFor();
  seen.buttons_without_token = await opened.locator("#invitation-answer button:disabled").count();
  seen.prefilled = await opened.locator("#invitation-sign-in input").evaluateAll((all) => all.map((one) => one.value));
  await shoot(opened, "1-invitation", ["light", "dark"]);
  // Opening changed nothing: the link still works.
  await opened.reload();
  await opened.locator("#invitation-preview dl").waitFor();
  seen.preview = await opened.locator("#invitation-preview div").evaluateAll((all) =>
    Object.fromEntries(all.map((one) => [one.querySelector("dt").textContent, one.querySelector("dd").textContent])));
  await opened.getByRole("button", { name: `Sign in as ${accepting}` }).click();
  await opened.getByText("You are carol").waitFor();
  seen.identity = await opened.locator("#identity").innerText();
  await opened.getByRole("button", { name: "Accept", exact: true }).click();
  seen.accepted = await outcome(opened);
  await shoot(opened, "2-accepted");
  await opened.reload();
  seen.used_link = await problem(opened);
  await opened.close();

  const other = await openLink(page, declining);
  await other.locator("#invitation-preview dl").waitFor();
  await getToken(other, "eve", "eve@acme.example");
  await other.getByRole("button", { name: "Decline", exact: true }).click();
  seen.another_address = await problem(other);
  await getToken(other, "dora", declining);
  await other.getByRole("button", { name: "Decline", exact: true }).click();
  seen.declined = await outcome(other);
  await other.close();

  for (const [name, value] of records) {
    await page.locator('#dns-record [name="name"]').fill(name);
    await page.locator('#dns-record [name="value"]').fill(value);
    await page.getByRole("button", { name: "Add the record" }).click();
    await page.locator("#dns li", { hasText: value }).waitFor();
  }
  seen.records = await page.locator("#dns li code").allInnerTexts();
  await shoot(page, "3-dns");
  const [[removed]] = records;
  await page.getByRole("button", { name: `Remove the record of ${removed}` }).first().click();
  await page.locator("#dns li", { hasText: records[0][1] }).waitFor({ state: "detached" });
  seen.records_left = await page.locator("#dns li code").allInnerTexts();
}

/** Shows what an identity provider has sent: first without a token, then as a tenant admin. */
async function directory(page) {
  await page.goto(url);
  const summary = page.locator("#scim-details summary");
  await summary.click();
  seen.without_token = await textOf(page, "#scim p");
  await page.getByText("Ada a tenant admin").click();
  await page.getByRole("button", { name: "Get a token" }).click();
  await page.locator("#scim table.groups").waitFor();
  seen.title = await page.locator("#scim h3").innerText();
  seen.base_url = await page.locator("#scim p code").innerText();
  for (const what of ["users", "groups"]) {
    seen[what] = await page.locator(`#scim table.${what} tbody tr`).evaluateAll((all) =>
      all.map((row) => [...row.cells].map((cell) => cell.textContent)));
  }
  await shoot(page, "1-directory", ["light", "dark"]);
  await page.getByText("Zoe a user of another tenant").click();
  await page.getByRole("button", { name: "Get a token" }).click();
  await page.getByText("You are zoe").waitFor();
  seen.of_others = await textOf(page, "#scim p.bad");
}

/** Opens the link of the mail to an address, as a click in the mail does. */
async function openLink(page, address) {
  const details = page.locator("#mails-details");
  if (!(await details.evaluate((one) => one.open))) await details.locator("summary").first().click();
  const mail = page.locator("#mails > ul > li", { hasText: ` to ${address} ` });
  const opening = page.context().waitForEvent("page");
  await mail.locator("pre a").click();
  return opening;
}

async function getToken(page, user, email) {
  const form = page.locator("#who");
  if (!(await form.locator("details").evaluate((one) => one.open))) await form.locator("summary").click();
  for (const [name, value] of Object.entries({ user_id: user, tenant_id: "acme", groups: "", email })) {
    await form.locator(`[name="${name}"]`).fill(value);
  }
  await form.getByRole("button", { name: "Get a token" }).click();
  await page.getByText(`You are ${user}`).waitFor();
}

/** The text that says what an answer to the invitation changed. */
const outcome = (page) => textOf(page, "#invitation-outcome:not(:empty)");
/** The text of the problem with the invitation. */
const problem = (page) => textOf(page, "#invitation-problem:not(:empty)");

async function textOf(page, selector) {
  const place = page.locator(selector);
  await place.waitFor();
  return place.innerText();
}

/** Opens a call of the reference, sends it unchanged, and returns the response. */
async function execute(call) {
  const summary = call.locator(".opblock-summary-control");
  await summary.scrollIntoViewIfNeeded();
  if (!(await call.getByRole("button", { name: "Execute" }).isVisible())) await summary.click();
  await call.getByRole("button", { name: "Execute" }).click();
  const answer = call.locator(".live-responses-table tbody");
  await answer.locator(".response-col_status").first().waitFor();
  const status = parseInt(await answer.locator(".response-col_status").first().innerText(), 10);
  const body = answer.locator(".response-col_description .highlight-code pre").first();
  return { status, body: (await body.count()) ? await body.innerText() : "" };
}

/** Opens the deliveries to webhook endpoints, and closes them after reading. */
async function deliveries(page) {
  const summary = page.locator("#deliveries-details summary");
  await summary.click();
  await page.locator(".deliveries tbody tr").first().waitFor();
  const rows = await page.locator(".deliveries tbody tr").evaluateAll((all) =>
    all.map((row) => [...row.cells].map((cell) => cell.textContent)));
  const endpoints = await page.locator("#deliveries h3 code").allInnerTexts();
  await shoot(page, "3-deliveries");
  await summary.click();
  return { endpoints, rows };
}

async function signIn(page, person) {
  await page.locator('#sign-in [name="person"]').selectOption(person);
  const read = page.waitForResponse((response) => response.url().endsWith("/_local/logins"));
  await page.getByRole("button", { name: "Sign in" }).click();
  await read;
  await page.locator("#sign-in button.main:not([disabled])").waitFor();
  return {
    outcome: await page.locator("#outcome b").innerText(),
    figures: await page.locator(".figures div").evaluateAll((all) =>
      Object.fromEntries(all.map((one) => [one.querySelector("dt").textContent, Number(one.querySelector("dd").textContent)]))),
    tree: await page.locator(".tree .node").evaluateAll((all) => all.map((node) => node.textContent.replace(/\s+/g, " ").trim())),
  };
}

/** Every call of the document with its example, as a tenant admin: deletions come last. */
async function tryAllCalls(page) {
  await page.getByRole("button", { name: "Get a token" }).click();
  await page.getByText("You are ada").waitFor();
  const { paths } = await (await page.request.get(`${url}/_local/openapi.json`)).json();
  const order = ["put /users/{user_id}", "post", "get", "patch", "put", "delete"];
  const calls = Object.entries(paths)
    .flatMap(([path, operations]) => ["get", "put", "post", "delete", "patch"].filter((method) => operations[method]).map((method) => [method, path]))
    .map(([method, path]) => {
      const rank = order.includes(`${method} ${path}`) ? 0 : order.indexOf(method);
      return { method, path, rank };
    })
    .sort((one, other) => one.rank - other.rank || (one.method === "delete" ? -1 : 1) * (one.path < other.path ? -1 : 1));
  for (const { method, path } of calls) {
    // Called before, and its name is taken now.
    if (method === "post" && path === "/organizations") continue;
    // Nothing has been delivered.
    if (path.endsWith("/retry")) continue;
    // The domain of the example proves nothing, so that there is no directory.
    if (path.startsWith("/directories") && (method === "post" || path.includes("{"))) continue;
    // The token of the example is of no invitation.
    if (["/invitations/accept", "/invitations/decline", "/invitations/{token}"].includes(path)) continue;
    // The caller has no verified address.
    if (path.startsWith("/users/me/invitations/")) continue;
    // It was sent a moment ago.
    if (path.endsWith("/resend")) continue;
    // No record proves the domain, so that no one joins by it.
    if (path.endsWith("/verify") || (method === "patch" && path.endsWith("/{domain}"))) continue;
    // The member of the example has not accepted yet.
    if (path.endsWith("/transfer-ownership")) continue;
    const call = page.locator(`.opblock-${method}`, { has: page.locator(`[data-path="${path}"]`) });
    const { status, body } = await execute(call);
    seen.tried[`${method.toUpperCase()} ${path}`] = status < 300 ? status : `${status} ${body}`;
    await call.locator(".opblock-summary-control").click();
  }
}

/** Takes a screenshot of the whole page; records horizontal overflow. */
async function shoot(page, name, colorSchemes = ["light"]) {
  const wide = await page.evaluate(() => document.documentElement.scrollWidth);
  if (wide > Number(width)) seen.too_wide.push(`${name}: ${wide}`);
  for (const colorScheme of colorSchemes) {
    await page.emulateMedia({ colorScheme });
    await page.screenshot({ path: `${folder}/${name}-${colorScheme}.png`, fullPage: true });
  }
}

main().then(
  () => console.log(JSON.stringify(seen)),
  (error) => {
    console.error(`${error.stack}\nso far: ${JSON.stringify(seen, null, 2)}`);
    process.exitCode = 1;
  },
);
