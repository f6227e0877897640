/**
 * What the admin API is given: JSON, and the query of `/explain`.
 *
 * @module
 */

import { ConnError } from "../../conn/error.ts";
import type { BackendConfig } from "../config/config.ts";
import type { ExplainQuery } from "./target.ts";

/** What a member of an object may be. */
interface Member {
  readonly what: string;
  readonly optional?: boolean;
  is(value: unknown): boolean;
}

const TEXT: Member = {
  what: "a text that is not empty",
  is: (value) => typeof value === "string" && value !== "",
};
const WEIGHT: Member = {
  what: "a number from 0",
  is: (value) => Number.isFinite(value) && Number(value) >= 0,
};
const FLAG: Member = {
  what: "true or false",
  is: (value) => typeof value === "boolean",
};

/** Reads a backend. */
export async function readBackend(request: Request): Promise<BackendConfig> {
  return await readObject(request, {
    address: TEXT,
    id: { ...TEXT, optional: true },
    weight: { ...WEIGHT, optional: true },
  }) as unknown as BackendConfig;
}

/** Reads `{"draining": true}`. */
export async function readDraining(request: Request): Promise<boolean> {
  return (await readObject(request, { draining: FLAG })).draining as boolean;
}

/** Reads `{"weight": 3}`. */
export async function readWeight(request: Request): Promise<number> {
  return (await readObject(request, { weight: WEIGHT })).weight as number;
}

/** Reads `?url=...&host=...&method=...`; the URL may be but a path. */
export function readExplainQuery(query: URLSearchParams): ExplainQuery {
  const url = query.get("url");
  if (url === null || url === "") {
    throw bad('Cannot explain: expected "?url=" with a URL or a path');
  }
  // The target as it was written: the balancer normalises it, as any other.
  const absolute = /^https?:\/\/([^/?#]+)([^#]*)/i.exec(url);
  const [, authority = "", rest = ""] = absolute ?? [];
  const target = absolute === null ? url : rest;
  if (absolute === null && !url.startsWith("/")) {
    throw bad(`Cannot explain "${url}": expected a URL or a path`);
  }
  const method = query.get("method");
  return {
    host: query.get("host") ?? authority,
    target: target.startsWith("/") ? target : `/${target}`,
    ...(method ? { method } : {}),
  };
}

async function readObject(
  request: Request,
  members: Readonly<Record<string, Member>>,
): Promise<Record<string, unknown>> {
  const value = parse(await request.text());
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw bad("Cannot read the body: expected a JSON object");
  }
  const unknown = Object.keys(value).find((name) =>
    !Object.hasOwn(members, name)
  );
  if (unknown !== undefined) {
    throw bad(`Cannot read the body: "${unknown}" is not known`);
  }
  const given = value as Record<string, unknown>;
  for (const [name, { what, optional, is }] of Object.entries(members)) {
    if (optional && !Object.hasOwn(given, name)) continue;
    if (!is(given[name])) {
      throw bad(`Cannot read the body: expected ${what} as "${name}"`);
    }
  }
  return given;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw bad("Cannot read the body: it is not JSON");
  }
}

function bad(message: string): ConnError {
  return new ConnError(message, {
    code: "bad_request",
    side: "remote",
    reply: 400,
  });
}
