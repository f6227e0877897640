// A network in memory whose servers do as the test says.

import type { TestClock } from "../conn/clock.ts";
import type { MemoryTransport } from "../conn/pair.ts";
import { FakeNet, Peer as HttpPeer } from "../http/client/client_test_util.ts";
import type {
  Connector,
  ConnectRequest,
} from "../http/client/client_options.ts";
import { acceptKey } from "./handshake/accept_key.ts";

const decoder = new TextDecoder("latin1");
const encoder = new TextEncoder();

/** A text message, as a server sends it. */
export function textFrame(text: string): Uint8Array {
  const payload = encoder.encode(text);
  return new Uint8Array([0x81, payload.length, ...payload]);
}

/** A close frame, as a server sends it. */
export function closeFrame(code: number): Uint8Array {
  return new Uint8Array([0x88, 2, code >> 8, code & 255]);
}

/** The value of a field in a head. */
export function fieldOf(head: string, name: string): string | undefined {
  return new RegExp(`^${name}: (.*)\r$`, "im").exec(head)?.[1];
}

/** A server's end of one connection. What it reads is a character a byte. */
export class Peer extends HttpPeer {
  constructor(transport: MemoryTransport, request: ConnectRequest) {
    super(transport, request, decoder);
  }

  /** Answers what is not a 101. */
  refuse(status: string, fields = "", body = ""): Promise<void> {
    return this.reply(body, fields, status);
  }

  /** Answers as a server does that accepts; `then` follows in the same write. */
  async accept(
    options: { fields?: string; then?: Uint8Array[] } = {},
  ): Promise<string> {
    const head = await this.head();
    const { fields = "", then = [] } = options;
    await this.send(switching(head, fields), ...then);
    return head;
  }
}

/** The answer that opens a WebSocket. */
export function switching(head: string, fields = ""): string {
  const accept = acceptKey(fieldOf(head, "Sec-WebSocket-Key")!);
  return "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n" +
    `Connection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n${fields}\r\n`;
}

/** Takes the place of the network. */
export class TestNet extends FakeNet<Peer> {
  constructor() {
    super((transport, request) => new Peer(transport, request));
  }

  /** What makes `connect` use it. */
  get options(): { connect: Connector; clock: TestClock } {
    return { connect: this, clock: this.clock };
  }
}
