/**
 * The admin API as a function from `Request` to `Response`.
 *
 * @module
 */

import { ConnError } from "../../conn/error.ts";
import { ConfigError } from "../config/config_error.ts";
import type { ServeHandler } from "../../http/server/serve.ts";
import type { Access } from "./_access.ts";
import { refusal } from "./_answer.ts";
import { type AdminParts, type Call, type Route, ROUTES } from "./_routes.ts";

/** What the handler goes by. */
export interface AdminSettings extends AdminParts {
  readonly access: Access;
  /** Whether `/metrics` needs no token. */
  readonly publicMetrics: boolean;
}

/** Makes the handler. */
export function adminHandler(settings: AdminSettings): ServeHandler {
  return async (request, { remoteAddr }) => {
    const url = new URL(request.url);
    const found = find(request.method, url.pathname);
    if (found instanceof Response) return found;
    const { route, names } = found;
    // Over a Unix socket there is no host name, and all clients are one.
    const address = remoteAddr.hostname ?? "";
    const refused = refuse(settings, route, { request, url, names }, address);
    if (refused !== undefined) return refused;
    try {
      return await route.answer(settings, { request, url, names });
    } catch (error) {
      // What has no answer of its own is a bug, and the server's to report.
      if (error instanceof ConfigError) {
        return refusal(400, "bad_config", error.message);
      }
      if (!(error instanceof ConnError) || error.reply === undefined) {
        throw error;
      }
      return refusal(error.reply, error.code, error.message);
    }
  };
}

function find(
  method: string,
  pathname: string,
): { route: Route; names: string[] } | Response {
  const segments = pathname.slice(1).split("/");
  const here = ROUTES.filter(({ path }) => matches(path, segments));
  const [first] = here;
  if (first === undefined) {
    return refusal(404, "not_found", `There is nothing at "${pathname}"`);
  }
  const route = here.find((route) =>
    route.method === (method === "HEAD" ? "GET" : method)
  );
  if (route === undefined) return notAllowed(here);
  const names = segments.filter((_, i) => route.path[i] === "*").map(decode);
  if (names.every((name) => name !== undefined)) return { route, names };
  return refusal(400, "bad_request", `Cannot decode the path "${pathname}"`);
}

function matches(path: readonly string[], segments: string[]): boolean {
  return path.length === segments.length &&
    path.every((part, i) => part === segments[i] || part === "*");
}

function decode(segment: string): string | undefined {
  try {
    return decodeURIComponent(segment);
  } catch {
    return undefined;
  }
}

function notAllowed(here: readonly Route[]): Response {
  const allow = here
    .map(({ method }) => method === "GET" ? "GET, HEAD" : method).join(", ");
  return refusal(405, "method_not_allowed", `Use ${allow}`, { allow });
}

function refuse(
  { access, publicMetrics }: AdminSettings,
  route: Route,
  { request, url }: Call,
  address: string,
): Response | undefined {
  if (route.for === "probe") return undefined;
  const refused = access.checkHost(url) ??
    (route.method === "GET" ? undefined : access.checkOrigin(request, url));
  if (refused !== undefined) return refused;
  const open = route.for === "anyone" ||
    (route.for === "metrics" && publicMetrics);
  return open ? undefined : access.checkToken(request, address);
}
