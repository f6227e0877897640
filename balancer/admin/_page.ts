/**
 * The live page, with a policy that lets nothing but itself run in it.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { LATENCY_BOUNDS } from "../telemetry/snapshot.ts";
import { answer } from "./_answer.ts";
import source from "./page.html" with { type: "text" };

/** The page computes percentiles, for which it has to know the buckets. */
const PAGE = source.replace(
  'name="latency-bounds" content=""',
  `name="latency-bounds" content="${LATENCY_BOUNDS.join(" ")}"`,
);

/**
 * Scripts and styles only by their digests; texts that become HTML not at all;
 * in no frame, so that no page can lay itself over the buttons.
 */
const POLICY = [
  "default-src 'none'",
  `script-src ${digests("script")}`,
  `style-src ${digests("style")}`,
  "img-src data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join("; ");

function digests(element: "script" | "style"): string {
  const pattern = new RegExp(`<${element}[^>]*>([^]*?)</${element}>`, "g");
  return [...PAGE.matchAll(pattern)].map(([, text = ""]) => {
    const digest = createHash("sha256").update(text, "utf8").digest("base64");
    return `'sha256-${digest}'`;
  }).join(" ");
}

/** Answers with the page. It holds no secret: what it shows needs the token. */
export function pageResponse(): Response {
  return answer("text/html; charset=utf-8", PAGE, {
    headers: {
      "content-security-policy": POLICY,
      "cross-origin-opener-policy": "same-origin",
      "x-frame-options": "DENY",
    },
  });
}
