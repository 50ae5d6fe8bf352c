// Fetches paths in one browser as one person after another, with the browser's own cache, and prints the statuses
// and bodies as JSON. Standard input: [{"path", "token"}, …]
// node browser.cjs CHROMIUM URL
const { chromium } = require("playwright-core");
const { readFileSync } = require("node:fs");

const [executablePath, url] = process.argv.slice(2);
const requests = JSON.parse(readFileSync(0, "utf8"));

async function main() {
  const browser = await chromium.launch({
    executablePath,
    args: [
      "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
      "--disable-background-networking", "--disable-component-update", "--disable-sync",
    ],
  });
  try {
    const page = await browser.newPage();
    await page.goto(url);
    return await page.evaluate(async (requests) => {
      const seen = [];
      for (const { path, token } of requests) {
        const answer = await fetch(path, { headers: { authorization: `Bearer ${token}` } });
        seen.push({ status: answer.status, body: await answer.text() });
      }
      return seen;
    }, requests);
  } finally {
    await browser.close();
  }
}

main().then(
  (seen) => console.log(JSON.stringify(seen)),
  (error) => {
    console.error(error.stack);
    process.exitCode = 1;
  },
);
