// Prints the changes between two OpenAPI documents as JSON, for the step `api` of the check.
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const [library, before, after] = process.argv.slice(2);
const { apiCompare } = await import(pathToFileURL(library).href);
const read = (file) => JSON.parse(readFileSync(file, "utf8"));
const { diffs, merged } = apiCompare(read(before), read(after), {});

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
  .filter(({ path }) => path[0] === "paths")
  .map((diff) => ({
    type: diff.type,
    action: diff.action,
    path: diff.path.map(String),
    required: required(diff),
    parameter: parameter(diff.path),
  }));
process.stdout.write(JSON.stringify(changes));
