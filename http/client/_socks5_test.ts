import { assertEquals, assertThrows } from "@std/assert";
import { ConnError } from "../../conn/error.ts";
import type { Sink } from "../../conn/machine.ts";
import {
  type Socks5Command,
  type Socks5Event,
  Socks5Machine,
} from "./_socks5.ts";

/** A sink that notes everything, and offers input as the loop does. */
class Driver implements Sink<Socks5Event> {
  readonly now = 0;
  readonly buffered = 0;
  readonly paused = false;
  readonly machine = new Socks5Machine();
  readonly events: string[] = [];
  readonly written: number[][] = [];
  error: ConnError | undefined;
  closed = false;
  rest: Uint8Array = new Uint8Array(0);

  emit(event: Socks5Event): boolean {
    this.events.push(event.type);
    return true;
  }
  write(data: Uint8Array | string): void {
    this.written.push([...data as Uint8Array]);
  }
  writeAhead(bytes: Uint8Array): void {
    this.written.push([...bytes]);
  }
  settleAhead(): void {}
  writeShared(bytes: Uint8Array): void {
    this.write(bytes);
  }
  close(error?: ConnError): void {
    this.closed = true;
    this.error = error;
  }
  abort(error?: ConnError): void {
    this.close(error);
  }
  readOn(): void {}
  feed(...bytes: number[]): void {
    const all = new Uint8Array([...this.rest, ...bytes]);
    this.rest = all.subarray(this.machine.receive(all, this));
  }
  connect(command: Partial<Socks5Command> = {}): this {
    this.machine.send({
      type: "connect",
      hostname: "a.test",
      port: 443,
      ...command,
    }, this);
    return this;
  }
}

const text = (value: string) => [...new TextEncoder().encode(value)];

Deno.test("Socks5Machine lets the proxy resolve the name", () => {
  const driver = new Driver().connect();
  assertEquals(driver.written, [[5, 1, 0]]);
  driver.feed(5, 0);
  assertEquals(driver.written[1], [5, 1, 0, 3, 6, ...text("a.test"), 1, 187]);
  driver.feed(5, 0, 0, 1, 127, 0, 0, 1, 0, 80);
  assertEquals(driver.events, ["established"]);
});

Deno.test("Socks5Machine sends addresses as addresses", () => {
  const v4 = new Driver().connect({ hostname: "10.1.2.3", port: 80 });
  v4.feed(5, 0);
  assertEquals(v4.written[1], [5, 1, 0, 1, 10, 1, 2, 3, 0, 80]);
  const v6 = new Driver().connect({ hostname: "2001:db8::ff", port: 80 });
  v6.feed(5, 0);
  const address = [0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff];
  assertEquals(v6.written[1], [5, 1, 0, 4, ...address, 0, 80]);
  const loopback = new Driver().connect({ hostname: "::1", port: 80 });
  loopback.feed(5, 0);
  assertEquals(loopback.written[1]!.slice(4, 20), [
    ...new Array(15).fill(0),
    1,
  ]);
});

Deno.test("Socks5Machine logs in when the proxy asks for it", () => {
  const driver = new Driver().connect({ username: "me", password: "pw" });
  assertEquals(driver.written, [[5, 2, 0, 2]]);
  driver.feed(5, 2);
  assertEquals(driver.written[1], [1, 2, ...text("me"), 2, ...text("pw")]);
  driver.feed(1, 0);
  assertEquals(driver.written[2]!.slice(0, 4), [5, 1, 0, 3]);
});

Deno.test("Socks5Machine does not log in when the proxy does not ask", () => {
  const driver = new Driver().connect({ username: "me", password: "pw" });
  driver.feed(5, 0);
  assertEquals(driver.written[1]!.slice(0, 4), [5, 1, 0, 3]);
});

Deno.test("Socks5Machine leaves what follows to the protocol inside", () => {
  for (
    const address of [[1, 1, 2, 3, 4], [4, ...new Array(16).fill(7)], [
      3,
      2,
      97,
      98,
    ]]
  ) {
    const driver = new Driver().connect();
    driver.feed(5, 0, 5, 0, 0, ...address, 0, 80, 72, 84, 84, 80);
    assertEquals(driver.events, ["established"]);
    assertEquals([...driver.rest], [72, 84, 84, 80]);
    driver.feed(47);
    assertEquals([...driver.rest], [72, 84, 84, 80, 47]);
  }
});

Deno.test("Socks5Machine understands answers that come byte by byte", () => {
  const driver = new Driver().connect({ username: "me", password: "pw" });
  for (const byte of [5, 2, 1, 0, 5, 0, 0, 3, 1, 97, 0, 80, 33]) {
    driver.feed(byte);
  }
  assertEquals(driver.events, ["established"]);
  assertEquals([...driver.rest], [33]);
});

Deno.test("Socks5Machine fails with the proxy's reason", () => {
  const table: [number[], string][] = [
    [[4, 0], "another protocol"],
    [[72, 84], "another protocol"],
    [[5, 255], "another way to log in"],
    [[5, 2], "another way to log in"],
    [[5, 0, 5, 5, 0, 1, 0, 0, 0, 0, 0, 0], "connection refused"],
    [[5, 0, 5, 4, 0, 1, 0], "host unreachable"],
    [[5, 0, 5, 77, 0, 1, 0], "reply 77"],
    [[5, 0, 5, 0, 0, 9, 0], "invalid address"],
    [[5, 0, 5, 0, 1, 1, 0], "invalid reply"],
    [[5, 0, 4, 0, 0, 1, 0], "invalid reply"],
  ];
  for (const [bytes, reason] of table) {
    const driver = new Driver().connect();
    driver.feed(...bytes);
    assertEquals(driver.error?.code, "proxy_failed", reason);
    assertEquals(
      driver.error?.message.includes(reason),
      true,
      driver.error?.message,
    );
    assertEquals(driver.events, []);
  }
});

Deno.test("Socks5Machine fails if the login is refused, or the proxy leaves", () => {
  const refused = new Driver().connect({ username: "me", password: "no" });
  refused.feed(5, 2, 1, 1);
  assertEquals(
    refused.error?.message.includes("refused user and password"),
    true,
  );
  const left = new Driver().connect();
  left.machine.receiveEnd(new Uint8Array(0), left);
  assertEquals(left.error?.code, "proxy_failed");
});

Deno.test("Socks5Machine refuses names that do not fit", () => {
  for (
    const command of [
      { hostname: "" },
      { hostname: "a".repeat(256) },
      { username: "", password: "x" },
      { username: "u", password: "p".repeat(256) },
    ]
  ) {
    const error = assertThrows(() => new Driver().connect(command), ConnError);
    assertEquals(error.code, "proxy_invalid");
  }
});

Deno.test("Socks5Machine takes one command", () => {
  const driver = new Driver().connect();
  const error = assertThrows(() => driver.connect(), ConnError);
  assertEquals(error.code, "out_of_place");
});
