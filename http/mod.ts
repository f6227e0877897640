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

export * from "./client.ts";
export * from "./client_body.ts";
export * from "./client_options.ts";
export {
  ClientResponse,
  type RequestTimings,
  type ResponseSource,
} from "./client_response.ts";
export * from "./content_decoding.ts";
export * from "./credentials.ts";
export * from "./event_source.ts";
export { Fields, type FieldsInit } from "./fields.ts";
export * from "./form.ts";
export type { HttpLimits, HttpMachineOptions } from "./limits.ts";
export * from "./listen.ts";
export * from "./machine.ts";
export * from "./message.ts";
export { multipart, type MultipartOptions, type Part } from "./multipart.ts";
export * from "./multipart_parser.ts";
export * from "./print.ts";
export { parseProxy, type Proxy } from "./proxy.ts";
export type { RedirectMode } from "./redirect.ts";
export type { RetryOptions } from "./retry.ts";
export * from "./serve.ts";
export * from "./serve_dir.ts";
export * from "./serve_file.ts";
export * from "./sse.ts";
export * from "./upload.ts";
