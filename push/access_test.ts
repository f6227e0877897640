import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { ConnError } from "../conn/error.ts";
import { checkPublish, checkSubscribe } from "./access.ts";
import type { ClientInfo, Grant } from "./options.ts";

const client = (grant: Grant): ClientInfo => ({
  id: "c",
  grant,
  remoteAddr: { transport: "tcp", hostname: "127.0.0.1", port: 1 },
  transport: "websocket",
});

const isForbidden = (run: () => unknown) =>
  assertEquals(assertThrows(run, ConnError).code, "forbidden");

Deno.test("without filters a client subscribes to all and publishes nothing", () => {
  assertEquals(checkSubscribe({}, client({}), "#"), undefined);
  isForbidden(() => checkPublish({}, client({}), "t", 1));
});

Deno.test("filters of a grant cover what is asked for, or it is refused", () => {
  const some = client({ subscribe: ["a/#", "b"], publish: ["in/+"] });
  for (const filter of ["a", "a/#", "a/+/x", "b"]) {
    assertEquals(checkSubscribe({}, some, filter), undefined);
  }
  for (const filter of ["#", "+", "b/x", "c"]) {
    isForbidden(() => checkSubscribe({}, some, filter));
  }
  assertEquals(checkPublish({}, some, "in/x", 1), undefined);
  isForbidden(() => checkPublish({}, some, "in/x/y", 1));
  isForbidden(() => checkSubscribe({}, client({ subscribe: [] }), "a"));
});

Deno.test("a hook decides on what the grant permits, and on nothing else", async () => {
  const asked: unknown[] = [];
  const options = {
    onSubscribe: (filter: string) => {
      asked.push(filter);
      return filter === "later" ? Promise.resolve(false) : filter === "yes";
    },
    onPublish: (topic: string, value: unknown) => {
      asked.push([topic, value]);
      return Promise.resolve(value === 1);
    },
  };
  const some = client({ subscribe: ["yes", "no", "later"], publish: ["t"] });
  assertEquals(checkSubscribe(options, some, "yes"), undefined);
  isForbidden(() => checkSubscribe(options, some, "no"));
  isForbidden(() => checkSubscribe(options, some, "other"));
  const refused = async () => await checkSubscribe(options, some, "later");
  assertEquals((await assertRejects(refused, ConnError)).code, "forbidden");
  assertEquals(await checkPublish(options, some, "t", 1), undefined);
  await assertRejects(async () => {
    await checkPublish(options, some, "t", 2);
  }, ConnError);
  isForbidden(() => checkPublish(options, some, "u", 1));
  assertEquals(asked, ["yes", "no", "later", ["t", 1], ["t", 2]]);
});

Deno.test("a hook that says nothing refuses", async () => {
  const some = client({ publish: ["t"] });
  for (const answer of [undefined, null, 0, "", "yes"]) {
    const hook = () => answer as unknown as boolean;
    isForbidden(() => checkSubscribe({ onSubscribe: hook }, some, "t"));
    isForbidden(() => checkPublish({ onPublish: hook }, some, "t", 1));
  }
  const thenable = {
    then: (resolve: (allowed: boolean) => void) => resolve(false),
  };
  const hook = () => thenable as unknown as Promise<boolean>;
  await assertRejects(async () => {
    await checkSubscribe({ onSubscribe: hook }, some, "t");
  }, ConnError);
});
