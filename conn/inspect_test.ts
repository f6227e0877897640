import { assertEquals, assertRejects } from "@std/assert";
import {
  formatRecord,
  hexdump,
  inspected,
  type InspectRecord,
} from "./inspect.ts";
import { uninspected } from "./_inspected.ts";
import { memoryPair } from "./pair.ts";

Deno.test("hexdump shows 16 bytes a line, with offset and ASCII", () => {
  const bytes = new Uint8Array([...Array(18).keys()].map((i) => i + 0x70));
  assertEquals(
    hexdump(bytes),
    "0000   70 71 72 73 74 75 76 77 78 79 7a 7b 7c 7d 7e 7f   pqrstuvwxyz{|}~.\n" +
      "0010   80 81                                             ..\n",
  );
  assertEquals(hexdump(new Uint8Array(0)), "");
});

Deno.test("hexdump begins where it is told and says what it leaves out", () => {
  assertEquals(
    hexdump(new Uint8Array(20), { offset: 0x1fff0, maxBytes: 1 }),
    "1fff0   00                                                .\n" +
      "(and 19 bytes more)\n",
  );
});

Deno.test("formatRecord names time, ends, direction and size", () => {
  const record: InspectRecord = {
    direction: "in",
    bytes: new TextEncoder().encode("hi"),
    at: Date.UTC(2026, 0, 2, 3, 4, 5, 6),
    localAddr: { transport: "unix", path: "/run/x.sock" },
    remoteAddr: { transport: "tcp", hostname: "::1", port: 80 },
  };
  assertEquals(
    formatRecord(record),
    "-- 2026-01-02T03:04:05.006Z /run/x.sock <- [::1]:80 2\n" +
      "0000   68 69                                             hi\n",
  );
});

Deno.test("inspected reports what was read and what was taken", async () => {
  const [a, b] = memoryPair({ bufferSize: 3 });
  const records: [string, number[], Deno.Addr, Deno.Addr][] = [];
  const transport = inspected(a, (record) => {
    const { direction, bytes, localAddr, remoteAddr } = record;
    records.push([direction, [...bytes], localAddr, remoteAddr]);
  });
  assertEquals(await transport.write(new Uint8Array([1, 2, 3, 4])), 3);
  await b.write(new Uint8Array([9]));
  await b.closeWrite();
  assertEquals(await transport.read(new Uint8Array(8)), 1);
  assertEquals(await transport.read(new Uint8Array(8)), null);
  assertEquals(records, [
    ["out", [1, 2, 3], a.localAddr, b.localAddr],
    ["in", [9], a.localAddr, b.localAddr],
  ]);
  await transport.closeWrite();
  assertEquals(await b.read(new Uint8Array(8)), 3);
  assertEquals(await b.read(new Uint8Array(8)), null);
  transport.close();
  assertEquals(a.closed, true);
});

Deno.test("inspected hands failures on without a record", async () => {
  const [a] = memoryPair();
  let records = 0;
  const transport = inspected(a, () => records++);
  a.reset();
  await assertRejects(
    () => transport.read(new Uint8Array(1)),
    Deno.errors.ConnectionReset,
  );
  assertEquals(records, 0);
});

Deno.test("uninspected gives back the transport and the hook", () => {
  const [a] = memoryPair();
  const hook = () => {};
  assertEquals(uninspected(inspected(a, hook)).transport === a, true);
  assertEquals(uninspected(inspected(a, hook)).hook, hook);
  assertEquals(uninspected(a), { transport: a });
});
