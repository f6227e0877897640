import { assertEquals, assertInstanceOf, assertRejects } from "@std/assert";
import { TestClock } from "../../conn/clock.ts";
import { ConfigError } from "./config_error.ts";
import {
  type ConfigWatcher,
  watchConfig,
  type WatchConfigOptions,
} from "./watch.ts";

/** Lets a test wait until the watch has seen a change. */
class WatchClock extends TestClock {
  #seen = Promise.withResolvers<void>();

  override setTimeout(callback: () => void, delay: number): number {
    this.#seen.resolve();
    return super.setTimeout(callback, delay);
  }

  /** Waits for a change, and moves the clock so that the file is read. */
  async change(): Promise<void> {
    await this.#seen.promise;
    this.#seen = Promise.withResolvers();
    await this.advance(100);
  }
}

interface Watched {
  folder: string;
  file: string;
  clock: WatchClock;
  watcher: ConfigWatcher;
  /** What was told, in order: drain rates, and the messages of errors. */
  told: unknown[];
}

const text = (drainRate: unknown) => JSON.stringify({ routes: [], drainRate });

const BAD = 'Cannot use "x": expected a number above 0';

/** Puts a new file in the place of an old one, so that nobody sees half of it. */
async function replace(file: string, text: string): Promise<void> {
  await Deno.writeTextFile(`${file}.new`, text);
  await Deno.rename(`${file}.new`, file);
}

/** Watches a file in a folder of its own. */
async function watched(
  test: (watched: Watched) => Promise<void>,
  options: Partial<WatchConfigOptions> = {},
): Promise<void> {
  const folder = await Deno.makeTempDir();
  const file = `${folder}/lb.jsonc`;
  await Deno.writeTextFile(file, text(1));
  const clock = new WatchClock();
  const told: unknown[] = [];
  const watcher = await watchConfig(file, {
    onChange: (config) => void told.push(config.drainRate),
    onError: (error) => {
      const isConfig = error instanceof ConfigError;
      told.push(isConfig ? error.problems[0]?.message : error);
    },
    clock,
    ...options,
  });
  try {
    await test({ folder, file, clock, watcher, told });
  } finally {
    watcher.close();
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("a file that is written in place is read again", () =>
  watched(async ({ file, clock, watcher, told }) => {
    assertEquals(watcher.config.drainRate, 1);
    await Deno.writeTextFile(file, text(2));
    await clock.change();
    await watcher.reload();
    assertEquals(told, [2]);
    assertEquals(watcher.config.drainRate, 2);
  }));

Deno.test("a file that another one takes the place of is read again", () =>
  watched(async ({ file, clock, watcher, told }) => {
    for (const drainRate of [2, 3]) {
      await replace(file, text(drainRate));
      await clock.change();
      await watcher.reload();
    }
    assertEquals(told, [2, 3]);
  }));

Deno.test({
  name:
    "a file behind a link that is exchanged is read again, as Kubernetes does",
  ignore: Deno.build.os === "windows",
  fn: async () => {
    const folder = await Deno.makeTempDir();
    for (const drainRate of [1, 2]) {
      await Deno.mkdir(`${folder}/..${drainRate}`);
      await Deno.writeTextFile(
        `${folder}/..${drainRate}/lb.jsonc`,
        text(drainRate),
      );
    }
    await Deno.symlink("..1", `${folder}/..data`);
    await Deno.symlink("..data/lb.jsonc", `${folder}/lb.jsonc`);
    const clock = new WatchClock();
    const changed = Promise.withResolvers<number | undefined>();
    const watcher = await watchConfig(`${folder}/lb.jsonc`, {
      onChange: (config) => changed.resolve(config.drainRate),
      onError: (error) => changed.reject(error),
      clock,
    });
    await Deno.symlink("..2", `${folder}/..data_tmp`);
    await Deno.rename(`${folder}/..data_tmp`, `${folder}/..data`);
    await clock.change();
    assertEquals(await changed.promise, 2);
    watcher.close();
    await Deno.remove(folder, { recursive: true });
  },
});

Deno.test("many changes in a row are one", () =>
  watched(async ({ file, clock, watcher, told }) => {
    for (let i = 2; i < 20; i++) await Deno.writeTextFile(file, text(i));
    await clock.change();
    await watcher.reload();
    assertEquals(told, [19]);
  }));

Deno.test("a wrong file leaves the old configuration, and is told of once", () =>
  watched(async ({ file, clock, watcher, told }) => {
    await replace(file, text("x"));
    await watcher.reload();
    assertEquals(told, [BAD]);
    assertEquals(watcher.config.drainRate, 1);
    // The sign of the same change comes later.
    await clock.change();
    await replace(file, text(2));
    await watcher.reload();
    assertEquals(told, [BAD, 2]);
  }));

Deno.test("a file that stays away is told of once", () =>
  watched(async ({ folder, file, clock, watcher, told }) => {
    await Deno.remove(file);
    await clock.change();
    await Deno.writeTextFile(`${folder}/other`, "");
    await clock.change();
    await replace(file, text(2));
    await watcher.reload();
    assertEquals(told.length, 2);
    assertEquals(told[1], 2);
  }));

Deno.test("who asks for a wrong file is told again", () =>
  watched(async ({ file, watcher, told }) => {
    await replace(file, text("x"));
    await watcher.reload();
    await watcher.reload();
    assertEquals(told, [BAD, BAD]);
  }));

Deno.test("a file that is put back is no change", () =>
  watched(async ({ file, watcher, told }) => {
    await replace(file, text("x"));
    await watcher.reload();
    await replace(file, text(1));
    await watcher.reload();
    await watcher.reload();
    assertEquals(told, [BAD]);
  }));

Deno.test("a file that is away for a while is told of, and found again", () =>
  watched(async ({ file, watcher, told }) => {
    await Deno.remove(file);
    await watcher.reload();
    await replace(file, text(1));
    await watcher.reload();
    assertEquals(told.length, 1);
    assertEquals(String(told[0]).startsWith("Cannot read the file: "), true);
  }));

Deno.test("one configuration is taken after the other, and the last one wins", async () => {
  const told: unknown[] = [];
  let busy = 0;
  await watched(async ({ file, watcher }) => {
    const first = watcher.reload();
    await replace(file, text(2));
    const second = watcher.reload();
    await replace(file, text(3));
    await Promise.all([first, second, watcher.reload()]);
    assertEquals(told.at(-1), 3);
    assertEquals(watcher.config.drainRate, 3);
  }, {
    onChange: async (config) => {
      assertEquals(++busy, 1);
      await new Promise((resolve) => setImmediate(resolve));
      busy--;
      told.push(config.drainRate);
    },
  });
});

Deno.test("a configuration that could not be taken is tried again when asked", async () => {
  const failure = new Error("No");
  let fails = true;
  await watched(async ({ file, watcher, told }) => {
    await replace(file, text(2));
    await watcher.reload();
    assertEquals(told, [failure]);
    assertEquals(watcher.config.drainRate, 1);
    fails = false;
    await watcher.reload();
    assertEquals(told, [failure]);
    assertEquals(watcher.config.drainRate, 2);
  }, {
    onChange: () => fails ? Promise.reject(failure) : undefined,
  });
});

Deno.test("nothing is called after the end, by close or by signal", async () => {
  await watched(async ({ file, clock, watcher, told }) => {
    await replace(file, text(2));
    const reload = watcher.reload();
    watcher.close();
    watcher.close();
    await reload;
    await watcher.reload();
    assertEquals(told, []);
    assertEquals(clock.pending, 0);
  });
  const controller = new AbortController();
  await watched(async ({ file, watcher, told }) => {
    await replace(file, text(2));
    controller.abort();
    await watcher.reload();
    assertEquals(told, []);
  }, { signal: controller.signal });
});

Deno.test("there is no watch without a first configuration", async () => {
  const folder = await Deno.makeTempDir();
  const file = `${folder}/lb.jsonc`;
  const options = { onChange: () => {}, onError: () => {} };
  const missing = await assertRejects(
    () => watchConfig(file, options),
    ConfigError,
    `${file}: Cannot read the file: `,
  );
  assertInstanceOf(missing.cause, Deno.errors.NotFound);
  await assertRejects(
    () => watchConfig(`${folder}/none/lb.jsonc`, options),
    ConfigError,
    "Cannot read the file: ",
  );
  await Deno.writeTextFile(file, text("x"));
  await assertRejects(
    () => watchConfig(file, options),
    ConfigError,
    `${file}:1:26: drainRate: ${BAD}`,
  );
  await Deno.writeTextFile(file, text(1));
  const signal = AbortSignal.abort();
  await assertRejects(
    () => watchConfig(file, { ...options, signal }),
    DOMException,
  );
  await Deno.remove(folder, { recursive: true });
});
