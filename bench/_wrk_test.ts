import { assertEquals, assertThrows } from "@std/assert";
import { parseWrk } from "./_wrk.ts";

const GOOD = `Running 2s test @ http://127.0.0.1:8000/
  1 threads and 64 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency   669.59us  247.39us   7.33ms   94.36%
    Req/Sec    95.60k     3.17k   99.06k    85.00%
  190000 requests in 2.00s, 28.75MB read
Requests/sec:  95000.00
Transfer/sec:     14.37MB
`;

Deno.test("parseWrk reads requests and time", () => {
  const { requests, microseconds } = parseWrk(GOOD);
  assertEquals(requests, 190_000);
  assertEquals(Math.round(microseconds), 2_000_000);
});

Deno.test("parseWrk refuses a run with answers that are no success", () => {
  assertThrows(
    () => parseWrk(`${GOOD}  Non-2xx or 3xx responses: 3\n`),
    Error,
    "Non-2xx",
  );
});

Deno.test("parseWrk refuses a run in which a connection broke", () => {
  const broken = "  Socket errors: connect 0, read 2, write 0, timeout 0\n";
  assertThrows(() => parseWrk(GOOD + broken), Error, "read 2");
});

Deno.test("parseWrk lets late answers pass", () => {
  const late = "  Socket errors: connect 0, read 0, write 0, timeout 4\n";
  assertEquals(parseWrk(GOOD + late).requests, 190_000);
});

Deno.test("parseWrk refuses a run without any answer", () => {
  assertThrows(
    () => parseWrk("  0 requests in 2.00s, 0B read\nRequests/sec:   0.00\n"),
    Error,
    "wrk said",
  );
});
