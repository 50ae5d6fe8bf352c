// Prints the changes between two OpenAPI documents as JSON, for the step `api` of the check.
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const [library, before, after] = process.argv.slice(2);
const { apiCompare } = await import(pathToFileURL(library).href);
const read = (file) => JSON.parse(readFileSync(file, "utf8"));
const documents = [read(before), read(after)];
const { diffs, merged } = apiCompare(...documents.map((document) => structuredClone(document)), {});

const target = (document, node) =>
  node?.$ref ? node.$ref.slice(2).split("/").reduce((value, key) => value?.[key], document) : node;
// Whether both documents have the same at the path of a change. The library takes a choice of schemas (anyOf) for
// another one when the schema around it has a new name.
const isNoChange = ({ path }) => {
  const [one, other] = documents.map((document) =>
    JSON.stringify(path.reduce((value, key) => target(document, value)?.[key], document)));
  return one !== undefined && one === other;
};

// The name of the parameter that a path leads into.
const parameter = (path) => {
  const at = path.indexOf("parameters");
  if (at < 0) return null;
  const found = path.slice(0, at + 2).reduce((value, key) => value?.[key], merged);
  return found?.name ?? null;
};

// The member that is required no longer, or is now.
const required = ({ path, before, after }) => (path.at(-2) === "required" ? String(before ?? after) : null);

const changes = diffs
  .filter((diff) => diff.path[0] === "paths" && !isNoChange(diff))
  .map((diff) => ({
    type: diff.type,
    action: diff.action,
    path: diff.path.map(String),
    required: required(diff),
    parameter: parameter(diff.path),
  }));
process.stdout.write(JSON.stringify(changes));
