// Heads as a connection makes them, and what is sent of fields.

import { assert, assertEquals } from "@std/assert";
import type { Sink } from "../../conn/machine.ts";
import type { Fields } from "../../http/codec/fields.ts";
import { decodeLatin1 } from "../../http/codec/head_values.ts";
import type {
  HttpEvent,
  RequestHead,
  ResponseHead,
} from "../../http/codec/message.ts";
import { HttpMachine } from "../../http/machine/machine.ts";
import type { FieldRules } from "../config/config.ts";
import { Peer } from "./peer.ts";

class Recorder implements Sink<HttpEvent> {
  readonly now = 1_000;
  readonly buffered = 0;
  readonly paused = false;
  readonly events: HttpEvent[] = [];
  output = "";

  emit(event: HttpEvent): boolean {
    this.events.push(event);
    return true;
  }

  write(data: Uint8Array | string): void {
    this.output += typeof data === "string" ? data : decodeLatin1(data);
  }

  writeShared(bytes: Uint8Array): void {
    this.write(bytes);
  }

  writeAhead(bytes: Uint8Array): void {
    this.write(bytes);
  }

  settleAhead(): void {}
  close(): void {}
  abort(): void {}
  readOn(): void {}
}

function latin1(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

/** The head of a request that came as these lines. */
export function requestHead(...lines: string[]): RequestHead {
  const sink = new Recorder();
  new HttpMachine("server").receive(
    latin1(lines.join("\r\n") + "\r\n\r\n"),
    sink,
  );
  const event = sink.events[0];
  assert(event?.type === "request", sink.output);
  return event.head;
}

/** The head of the response that came as these lines to a WebSocket's request. */
export function responseHead(...lines: string[]): ResponseHead {
  const sink = new Recorder();
  const client = new HttpMachine("client");
  const fields = { Host: "a", Connection: "Upgrade", Upgrade: "websocket" };
  client.send({
    type: "request",
    method: "GET",
    target: "/",
    fields,
    body: "",
  }, sink);
  client.receive(latin1(lines.join("\r\n") + "\r\n\r\n"), sink);
  const event = sink.events[0];
  assert(event?.type === "response");
  return event.head;
}

/** The lines that a machine sends of a request's fields, the framing left out. */
export function sentRequest(fields: Fields): string[] {
  const sink = new Recorder();
  const client = new HttpMachine("client");
  client.send({ type: "request", method: "GET", target: "/", fields }, sink);
  return linesOf(sink.output);
}

/** The lines that a machine sends of a response's fields, with its framing. */
export function sentResponse(
  fields: Fields,
  status = 200,
  request = ["GET / HTTP/1.1", "Host: a"],
): string[] {
  const sink = new Recorder();
  const server = new HttpMachine("server", {
    date: () => "Sat, 01 Jan 2000 00:00:00 GMT",
  });
  server.receive(latin1(request.join("\r\n") + "\r\n\r\n"), sink);
  server.send({ type: "response", status, fields }, sink);
  return linesOf(sink.output);
}

function linesOf(output: string): string[] {
  const lines = output.slice(0, output.indexOf("\r\n\r\n")).split("\r\n");
  return lines.slice(1).filter((line) => !/^Transfer-Encoding:/.test(line));
}

/** A client at an address. */
export function peerAt(address: string, secure = false): Peer {
  return new Peer({ address, port: 1234, secure });
}

/** Rules of which most are left out. */
export function rules(some: FieldRules = {}): Required<FieldRules> {
  return { remove: [], set: {}, add: {}, ...some };
}

/** Checks that lines hold a field of these values, and no other of its name. */
export function assertField(
  lines: readonly string[],
  name: string,
  ...values: string[]
): void {
  const prefix = `${name.toLowerCase()}:`;
  const found = lines.filter((line) => line.toLowerCase().startsWith(prefix));
  assertEquals(found.map((line) => line.slice(prefix.length).trim()), values);
}
