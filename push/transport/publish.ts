/**
 * Publishing by a request.
 *
 * @module
 */

import { ConnError } from "../../conn/error.ts";
import { byteSource, readAll } from "../../http/client/byte_source.ts";
import { credentials, secretEquals } from "../../http/forms/credentials.ts";
import type { HubCore } from "../core.ts";
import { checkTopic } from "../model/topic_name.ts";
import { refusal, refusalOf } from "./refusal.ts";

/**
 * Publishes the JSON in the body of a POST request to the topic in its query. The
 * key is in the query too, or in `Idempotency-Key`.
 *
 * @param core The hub.
 * @param request The request.
 * @param token What it must show as a Bearer token.
 */
export async function publishPosted(
  core: HubCore,
  request: Request,
  token: string,
): Promise<Response> {
  if (request.method !== "POST") {
    return refusal(405, "A value is published with the method POST", [
      ["Allow", "POST"],
    ]);
  }
  const shown = credentials(request);
  if (shown?.scheme !== "bearer" || !secretEquals(shown.token, token)) {
    return refusal(401, "Publishing needs the token", [
      ["WWW-Authenticate", 'Bearer realm="publish"'],
    ]);
  }
  try {
    const query = new URL(request.url).searchParams;
    const topic = query.get("topic") ?? core.defaultTopic;
    checkTopic(topic);
    const key = query.get("key") ?? request.headers.get("idempotency-key");
    checkHead(request, core.settings.message);
    const data = await readJson(request, core.settings.message);
    const published = await core.publish(topic, data, key ?? undefined);
    return new Response(`${JSON.stringify(published)}\n`, {
      headers: { "content-type": "application/json" },
    });
  } catch (error) {
    return refusalOf(error);
  }
}

/** Refuses a body before it comes, if its head says enough. */
function checkHead({ headers }: Request, most: number): void {
  const encoding = headers.get("content-encoding") ?? "identity";
  if (encoding.toLowerCase() !== "identity") {
    throw new ConnError(
      `The body of the request is in "${encoding}": expected it as it is`,
      { code: "encoding_unsupported", side: "remote", reply: 415 },
    );
  }
  if (Number(headers.get("content-length") ?? 0) > most) throw tooLarge(most);
}

/** Reads the body as JSON, and gives it as compact JSON. */
async function readJson(request: Request, most: number): Promise<string> {
  const bytes = await readAll(
    byteSource(request.body),
    most,
    () => tooLarge(most),
  );
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    return JSON.stringify(JSON.parse(text));
  } catch (cause) {
    throw new ConnError("The body of the request is no JSON", {
      code: "value_invalid",
      side: "remote",
      reply: 400,
      cause,
    });
  }
}

function tooLarge(most: number): ConnError {
  return new ConnError(
    `The body of the request is too large: expected at most ${most} bytes`,
    { code: "message_too_large", side: "remote", reply: 413 },
  );
}
