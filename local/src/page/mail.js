// Shows the mails that were sent, newest first, while their part of the page is open.

import { byId, el, fetchJson } from "./elements.js";

const SHOWN = 20;
const EVERY_MS = 2000;

/** A line of a mail, as a link if it is nothing but an address of the web. */
function line(text) {
  return /^https?:\/\/\S+$/.test(text)
    ? el("a", { href: text, target: "_blank", rel: "noopener noreferrer" }, text)
    : document.createTextNode(text);
}

function mail(one) {
  const lines = (one.text ?? "").split("\n").flatMap((text) => [line(text), "\n"]);
  const details = one.html === null ? null : el("details", {}, el("summary", {}, "As HTML"));
  // Without scripts, forms, links to other pages and the rights of this page.
  const frame = () => el("iframe", { sandbox: "", title: one.subject, srcdoc: one.html });
  details?.addEventListener("toggle", () => details.append(frame()), { once: true });
  return el("li", {}, el("strong", {}, one.subject), ` to ${one.to} ${one.sent_at}`,
    el("pre", { tabIndex: 0 }, ...lines), details);
}

let newest;

async function show() {
  const { items } = await fetchJson("/_local/mail");
  if (items[0]?.id === newest && newest) return;
  newest = items[0]?.id;
  byId("mails").replaceChildren(items.length
    ? el("ul", {}, ...items.slice(0, SHOWN).map(mail))
    : el("p", { className: "soft" }, "No mails yet."));
}

export async function start() {
  const details = byId("mails-details");
  const showIfOpen = () => details.open && show().catch((error) => {
    byId("mails").replaceChildren(el("p", { className: "bad" }, `The mails cannot be shown: ${error.message}`));
  });
  details.addEventListener("toggle", showIfOpen);
  setInterval(showIfOpen, EVERY_MS);
}
