/**
 * HTTP/1.1, RFC 9110 and RFC 9112: a server and a client, over the events of a
 * connection.
 *
 * For a server there is {@linkcode serve}, with a function from `Request` to
 * `Response`, and {@linkcode listen}, with every head, piece of body and end as an
 * event. For a client there are {@linkcode fetch}, {@linkcode request} and
 * {@linkcode Client}. {@linkcode HttpMachine} is the protocol itself, for any
 * transport.
 *
 * @example A server and a client
 * ```ts
 * import { Client, serve } from "@meerkat/net/http";
 * import { assertEquals } from "@std/assert";
 *
 * await using server = serve(
 *   { hostname: "127.0.0.1", port: 0 },
 *   async (request) => new Response(await request.text()),
 * );
 * await using client = new Client();
 * const { port } = server.addr as Deno.NetAddr;
 * const response = await client.request(`http://127.0.0.1:${port}/`, {
 *   method: "POST",
 *   body: "echo",
 * });
 * assertEquals(await response.text(), "echo");
 * ```
 *
 * @module
 */

export * from "./client/client.ts";
export * from "./client/client_body.ts";
export * from "./client/client_options.ts";
export {
  ClientResponse,
  type RequestTimings,
  type ResponseSource,
} from "./client/client_response.ts";
export * from "./client/content_decoding.ts";
export * from "./forms/credentials.ts";
export * from "./events/event_source.ts";
export { Fields, type FieldsInit } from "./codec/fields.ts";
export * from "./forms/form.ts";
export type { HttpLimits, HttpMachineOptions } from "./codec/limits.ts";
export * from "./server/listen.ts";
export * from "./machine/machine.ts";
export * from "./codec/message.ts";
export {
  multipart,
  type MultipartOptions,
  type Part,
} from "./forms/multipart.ts";
export * from "./forms/multipart_parser.ts";
export * from "./server/print.ts";
export { parseProxy, type Proxy } from "./client/proxy.ts";
export type { RedirectMode } from "./client/redirect.ts";
export type { RetryOptions } from "./client/retry.ts";
export * from "./server/serve.ts";
export * from "./files/serve_dir.ts";
export * from "./files/serve_file.ts";
export * from "./events/sse.ts";
export * from "./forms/upload.ts";
