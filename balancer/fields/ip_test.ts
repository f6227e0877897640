import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { canonicalAddress, formatAddress, parseAddress } from "./ip.ts";

const TEXTS: [text: string, canonical: string | undefined][] = [
  ["0.0.0.0", "0.0.0.0"],
  ["192.0.2.1", "192.0.2.1"],
  ["255.255.255.255", "255.255.255.255"],
  ["256.0.0.1", undefined],
  ["1.2.3", undefined],
  ["1.2.3.4.5", undefined],
  ["1.2.3.", undefined],
  [".1.2.3", undefined],
  ["1..2.3", undefined],
  ["01.2.3.4", undefined],
  ["1.2.3.00", undefined],
  ["1.2.3.4 ", undefined],
  ["1.2.3.0x4", undefined],
  ["", undefined],
  ["localhost", undefined],
  ["::", "::"],
  ["::1", "::1"],
  ["1::", "1::"],
  ["2001:DB8:0:0:0:0:0:1", "2001:db8::1"],
  ["2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"],
  ["2001:0:0:1:0:0:0:1", "2001:0:0:1::1"],
  ["2001:0:0:1:0:0:1:1", "2001::1:0:0:1:1"],
  ["1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"],
  ["::ffff:192.0.2.1", "192.0.2.1"],
  ["::ffff:c000:201", "192.0.2.1"],
  ["64:ff9b::192.0.2.33", "64:ff9b::c000:221"],
  ["1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8"],
  ["1:2:3:4:5:6:1.2.3.4", "1:2:3:4:5:6:102:304"],
  ["1:2:3:4:5:6:7", undefined],
  ["1:2:3:4:5:6:7:8:9", undefined],
  ["1:2:3:4:5:6:7:8::", undefined],
  ["1::2::3", undefined],
  [":::", undefined],
  [":1", undefined],
  ["1:", undefined],
  ["12345::", undefined],
  ["g::", undefined],
  ["1.2.3.4::", undefined],
  ["::1.2.3.4:5", undefined],
  ["::1.2.3", undefined],
  ["fe80::1%eth0", undefined],
  ["[::1]", undefined],
];

for (const [text, canonical] of TEXTS) {
  Deno.test(`${JSON.stringify(text)} is the address ${canonical}`, () => {
    assertEquals(canonicalAddress(text), canonical);
  });
}

Deno.test("an address that is written can be read again", () => {
  const byte = fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 255 }));
  const bytes = fc.constantFrom(4, 16).chain((length) =>
    fc.array(byte, { minLength: length, maxLength: length })
  );
  fc.assert(fc.property(bytes, (bytes) => {
    const address = Uint8Array.from(bytes);
    assertEquals(parseAddress(formatAddress(address)), address);
  }));
});
