// What the RESTful server answers: a function from `Request` to `Response`, so
// it runs in one thread or many, and in a test without a socket.

import { ConnError } from "@meerkat/net/conn";
import { formVariables, serveDir } from "@meerkat/net/http";
import { printable } from "./_printable.ts";
import page from "./_restful_page.html" with { type: "text" };

type Answer = Response | Promise<Response>;

/** What the server is, wherever it listens. */
export interface Options {
  /** The directory whose files are served. */
  readonly root: string;
  /** Certificate and key, as PEM; nothing for plain HTTP. */
  readonly tls: { cert: string; key: string } | undefined;
}

/** Most bytes that /printcontent prints. */
const MAX_PRINTED = 1024 * 1024;

/**
 * Makes the handler.
 *
 * @param root The directory whose files are served.
 * @returns The handler for `serve`.
 */
export function restfulApi(root: string): (request: Request) => Answer {
  return async (request) => {
    const url = new URL(request.url);
    try {
      switch (url.pathname) {
        case "/":
          // The page stands where the list of ROOT would: a query asks for that.
          if (url.search !== "") break;
          return allow(request, "GET", index);
        case "/hello":
          return allow(request, "GET", () => new Response("Hello world\n"));
        case "/api/v1/sum":
          return await allow(request, "POST", sum);
        case "/printcontent":
          return await allow(request, "POST", printContent);
        case "/echo":
          return echo(request);
      }
      return await serveDir(request, { fsRoot: root, showDirListing: true });
    } catch (error) {
      // What the client did wrong says itself what to answer.
      if (!(error instanceof ConnError) || error.reply === undefined) {
        throw error;
      }
      return text(`${error.message}\n`, error.reply);
    }
  };
}

function allow(
  request: Request,
  method: "GET" | "POST",
  answer: (request: Request) => Answer,
): Answer {
  const allowed = method === "GET" ? ["GET", "HEAD"] : [method];
  if (allowed.includes(request.method)) return answer(request);
  const list = allowed.join(", ");
  return text(`Use ${list}\n`, 405, { allow: list });
}

function index(): Response {
  return new Response(page, {
    headers: {
      "content-type": "text/html; charset=UTF-8",
      "content-security-policy":
        "default-src 'none'; connect-src 'self'; form-action 'self'; " +
        "img-src data:; script-src 'unsafe-inline'; style-src 'unsafe-inline'",
    },
  });
}

/** Adds the numbers of a form. A body without a known length goes out in chunks. */
async function sum(request: Request): Promise<Response> {
  const form = await formVariables(request);
  const [n1, n2] = [numberOf(form.get("n1")), numberOf(form.get("n2"))];
  const result = n1 + n2;
  if (!Number.isFinite(result)) {
    return text("Cannot add: expected the numbers n1 and n2 in a form\n", 400);
  }
  const chunks = ["{ ", `"result": ${decimal(result)}`, " }"];
  return new Response(
    ReadableStream.from(chunks).pipeThrough(new TextEncoderStream()),
    { headers: { "content-type": "application/json" } },
  );
}

function numberOf(value: string | null): number {
  return value === null || value.trim() === "" ? NaN : Number(value);
}

/** With six digits after the point, never with an exponent, as C prints it. */
function decimal(value: number): string {
  // From 1e21 on `toFixed` gives an exponent, and every number is an integer.
  return Math.abs(value) < 1e21 ? value.toFixed(6) : `${BigInt(value)}.000000`;
}

async function printContent(request: Request): Promise<Response> {
  const body = new Uint8Array(await readUpTo(request, MAX_PRINTED));
  const content = new TextDecoder().decode(body);
  console.log(printable(content.replaceAll("\r", "")));
  return text(`Printed ${body.length} bytes\n`);
}

async function readUpTo(
  request: Request,
  maximum: number,
): Promise<ArrayBuffer> {
  const pieces: Uint8Array<ArrayBuffer>[] = [];
  let length = 0;
  for await (const piece of request.body ?? []) {
    length += piece.length;
    if (length > maximum) {
      throw new ConnError(
        `Cannot print the body: it is over ${maximum} bytes`,
        { code: "content_too_large", side: "remote", reply: 413 },
      );
    }
    pieces.push(piece);
  }
  return await new Blob(pieces).arrayBuffer();
}

/** The request's body is the response's: each piece goes back as it comes. */
function echo(request: Request): Response {
  const type = request.headers.get("content-type");
  return new Response(request.body, {
    headers: type === null ? {} : { "content-type": type },
  });
}

function text(
  body: string,
  status = 200,
  headers: Record<string, string> = {},
): Response {
  return new Response(body, {
    status,
    headers: { "content-type": "text/plain; charset=UTF-8", ...headers },
  });
}
