/**
 * What there is under which path.
 *
 * @module
 */

import { METRICS_TYPE, renderMetrics } from "../telemetry/metrics.ts";
import { answer, json, nothing } from "./_answer.ts";
import {
  readBackend,
  readDraining,
  readExplainQuery,
  readWeight,
} from "./_input.ts";
import { pageResponse } from "./_page.ts";
import type { SnapshotFeed } from "./_snapshot_feed.ts";
import type { AdminTarget } from "./target.ts";

/** What the answers are made of. */
export interface AdminParts {
  readonly target: AdminTarget;
  readonly feed: SnapshotFeed;
}

/** A request that has found its route. */
export interface Call {
  readonly request: Request;
  readonly url: URL;
  /** What stands in the path for each `*`, decoded. */
  readonly names: readonly string[];
}

/** Who may ask: `"probe"` is a load balancer or orchestrator, by any name. */
export type Audience = "probe" | "anyone" | "admin" | "metrics";

/** One entry of the table. */
export interface Route {
  readonly method: "GET" | "POST" | "DELETE";
  /** Its segments; `*` is any one. */
  readonly path: readonly string[];
  readonly for: Audience;
  readonly answer: (
    parts: AdminParts,
    call: Call,
  ) => Response | Promise<Response>;
}

const BACKENDS = ["api", "upstreams", "*", "backends"];
const BACKEND = [...BACKENDS, "*"];

/** The table. */
export const ROUTES: readonly Route[] = [
  { method: "GET", path: [""], for: "anyone", answer: pageResponse },
  { method: "GET", path: ["healthz"], for: "probe", answer: healthz },
  { method: "GET", path: ["readyz"], for: "probe", answer: readyz },
  { method: "GET", path: ["metrics"], for: "metrics", answer: metrics },
  { method: "GET", path: ["explain"], for: "admin", answer: explain },
  { method: "GET", path: ["api", "snapshot"], for: "admin", answer: snapshot },
  { method: "GET", path: ["api", "events"], for: "admin", answer: events },
  { method: "POST", path: BACKENDS, for: "admin", answer: add },
  { method: "DELETE", path: BACKEND, for: "admin", answer: remove },
  { method: "POST", path: [...BACKEND, "drain"], for: "admin", answer: drain },
  { method: "POST", path: [...BACKEND, "weight"], for: "admin", answer: weigh },
];

function healthz(): Response {
  return answer(TEXT_TYPE, "ok\n");
}

async function readyz({ target }: AdminParts): Promise<Response> {
  return await target.ready()
    ? answer(TEXT_TYPE, "ready\n")
    : answer(TEXT_TYPE, "not ready\n", { status: 503 });
}

async function metrics({ target }: AdminParts): Promise<Response> {
  return answer(METRICS_TYPE, renderMetrics(await target.snapshot()));
}

async function explain(
  { target }: AdminParts,
  { url }: Call,
): Promise<Response> {
  return json(await target.explain(readExplainQuery(url.searchParams)));
}

async function snapshot({ target }: AdminParts): Promise<Response> {
  return json(await target.snapshot());
}

function events({ feed }: AdminParts): Response {
  return answer("text/event-stream", feed.open());
}

async function add(
  { target }: AdminParts,
  { request, names: [upstream = ""] }: Call,
): Promise<Response> {
  const backend = await readBackend(request);
  await target.addBackend(upstream, backend);
  const id = backend.id ?? backend.address;
  const location = `/api/upstreams/${encodeURIComponent(upstream)}/backends/${
    encodeURIComponent(id)
  }`;
  return json({ id }, { status: 201, headers: { location } });
}

async function remove(
  { target }: AdminParts,
  { names: [upstream = "", id = ""] }: Call,
): Promise<Response> {
  await target.removeBackend(upstream, id);
  return nothing();
}

async function drain(
  { target }: AdminParts,
  { request, names: [upstream = "", id = ""] }: Call,
): Promise<Response> {
  await target.setDraining(upstream, id, await readDraining(request));
  return nothing();
}

async function weigh(
  { target }: AdminParts,
  { request, names: [upstream = "", id = ""] }: Call,
): Promise<Response> {
  await target.setWeight(upstream, id, await readWeight(request));
  return nothing();
}

const TEXT_TYPE = "text/plain; charset=utf-8";
