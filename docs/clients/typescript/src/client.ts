import createClient, { type Client } from "openapi-fetch";
import type { components, paths } from "./schema.js";

type Schemas = components["schemas"];
export type Organization = Schemas["Organization"];
export type Membership = Schemas["Membership"];
export type Problem = Schemas["Problem"];

/** Every operation of the API, typed. Responses are `{ data, error, response }`. */
export type Muster = Client<paths>;

/** A client that sends this access token. */
export function muster(baseUrl: string, token: string): Muster {
  return createClient<paths>({ baseUrl, headers: { Authorization: `Bearer ${token}` } });
}

/** Whether an error comes from Muster and has a code. Errors of API Gateway itself have none. */
export function isProblem(error: unknown): error is Problem {
  return typeof error === "object" && error !== null && "code" in error;
}

interface Page<Item> {
  items: Item[];
  next_cursor: string | null;
}

/** All items of a list. `read` requests the page after a cursor. */
export async function* all<Item>(
  read: (cursor: string | undefined) => Promise<{ data?: Page<Item>; error?: unknown }>,
): AsyncGenerator<Item> {
  let cursor: string | undefined;
  do {
    const { data, error } = await read(cursor);
    if (data === undefined) {
      throw new Error("a page could not be read", { cause: error });
    }
    yield* data.items;
    cursor = data.next_cursor ?? undefined;
  } while (cursor !== undefined);
}
