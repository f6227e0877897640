/**
 * What happens to backends and to the balancer meanwhile.
 *
 * @module
 */

import type { ChaosBackend } from "./_chaos_backends.ts";
import type { ChaosBalancer } from "./_chaos_balancer_process.ts";
import type { Ledger } from "./_chaos_ledger.ts";
import { pause, type Random } from "./_chaos_random.ts";
import type { Sockets } from "./_chaos_sockets.ts";

/** What trouble is made with. */
export interface TroubleSetup {
  backends: readonly ChaosBackend[];
  balancer: ChaosBalancer;
  sockets: Sockets;
  ledger: Ledger;
  random: Random;
  signal: AbortSignal;
}

/** Something that is done to one backend, and undone. */
type Trouble = (setup: TroubleSetup, backend: ChaosBackend) => Promise<void>;

/** Backends that are well at any time: with two retries one is always reached, */
const WELL = 2;
/**
 * if none takes the place of a troubled one while a request is under way that has
 * tried that already: for so many milliseconds.
 */
const AFTERMATH = 2_000;
/** The pause between two troubles, in milliseconds. */
const PAUSE = [100, 700] as const;
/** How long taking leave may take, in milliseconds. */
const LEAVE_TIMEOUT = 7_000;
const STEP = 50;
/** How long requests may still come that were under way, in milliseconds. */
const SETTLED = 500;
/** How long a configuration file may take to be read, in milliseconds. */
const READ_TIMEOUT = 2_000;
/** Of so many troubles one is a change that changes nothing. */
const CHANGE_OF = 5;

const TROUBLES: Readonly<Record<string, Trouble>> = {
  async killed({ random }, backend) {
    await backend.kill();
    await random.pause(0, 1_500);
    await backend.start();
  },
  async paused({ random }, backend) {
    backend.signal("SIGSTOP");
    await random.pause(200, 3_000);
    backend.signal("SIGCONT");
  },
  async restarted(_, backend) {
    await backend.leave();
    await backend.start();
  },
  async "slower than it may be"({ random }, backend) {
    backend.tell("slow 1500");
    await random.pause(500, 2_000);
    backend.tell("slow 0");
  },
  async slow({ random }, backend) {
    backend.tell("slow 200");
    await random.pause(500, 2_000);
    backend.tell("slow 0");
  },
  async "resetting connections"({ random }, backend) {
    backend.tell(`reset ${random.between(4, 40)}`);
    await random.pause(500, 1_500);
    backend.tell("reset 0");
  },
  async drained(setup, backend) {
    const { balancer } = setup;
    backend.instance.drained = true;
    await balancer.setDraining(backend.name, true);
    await staysQuiet(setup, backend);
    await balancer.setDraining(backend.name, false);
    backend.instance.drained = false;
  },
  async "taken out of the file"(setup, backend) {
    const { balancer, backends, random } = setup;
    backend.instance.drained = true;
    const others = backends.filter((each) => each !== backend);
    await balancer.configure(others);
    await staysQuiet(setup, backend);
    await balancer.configure(backends);
    // The watch is told a little later.
    await random.pause(300, 500);
    backend.instance.drained = false;
  },
};

/** Only one at a time, as there is one file. */
const BY_FILE = "taken out of the file";

/** Sees that nobody has a WebSocket with a backend any more, and nobody asks it. */
async function staysQuiet(
  setup: TroubleSetup,
  backend: ChaosBackend,
): Promise<void> {
  const { ledger, random } = setup;
  const { name } = backend.instance;
  await noSockets(setup, backend);
  await pause(SETTLED);
  ledger.quiet.add(name);
  await random.pause(0, 500);
  ledger.quiet.delete(name);
}

/** Waits until nobody has a WebSocket with a backend any more. */
async function noSockets(
  { sockets, ledger }: TroubleSetup,
  { instance }: ChaosBackend,
): Promise<void> {
  const end = performance.now() + LEAVE_TIMEOUT;
  while (sockets.countOf(instance) > 0) {
    if (performance.now() > end) {
      const left = sockets.countOf(instance);
      return ledger.violated("undrained", `${left} stay at ${instance.name}`);
    }
    await pause(STEP);
  }
}

/** Makes trouble until the signal says otherwise, then waits until all is well. */
export async function makeTrouble(setup: TroubleSetup): Promise<void> {
  const { backends, ledger, random, signal } = setup;
  const troubled = new Map<ChaosBackend, string>();
  const undone = new Set<Promise<void>>();
  ledger.context = () =>
    [...troubled].map(([{ name }, what]) => `${name} ${what}`).join(", ");
  while (!signal.aborted) {
    await random.pause(...PAUSE);
    const names = [...troubled.values()];
    if (random.between(0, CHANGE_OF) === 0 && !names.includes(BY_FILE)) {
      await changeNothing(setup);
      continue;
    }
    const what = random.pick(Object.keys(TROUBLES));
    const well = backends.filter((backend) => !troubled.has(backend));
    if (well.length <= WELL || what === BY_FILE && names.includes(what)) {
      continue;
    }
    const backend = random.pick(well);
    troubled.set(backend, what);
    ledger.count(`backends: ${what}`);
    const trouble = TROUBLES[what]!(setup, backend)
      .catch((error) =>
        ledger.violated("broken", `${backend.name} ${what}: ${error}`)
      )
      .then(() => pause(AFTERMATH))
      .then(() => {
        troubled.delete(backend);
        undone.delete(trouble);
      });
    undone.add(trouble);
  }
  await Promise.all(undone);
}

/** A file that says the same, one that says nonsense, and a signal. */
async function changeNothing(setup: TroubleSetup): Promise<void> {
  const { balancer, backends, ledger, random } = setup;
  const what = random.pick(["same", "wrong", "signal"]);
  ledger.count(`balancer: ${what === "signal" ? "SIGHUP" : `${what} file`}`);
  if (what === "signal") return balancer.signal("SIGHUP");
  if (what === "same") {
    return await balancer.configure(backends, `the same ${random.next()}`);
  }
  const before = await balancer.refused();
  await balancer.misconfigure();
  const end = performance.now() + READ_TIMEOUT;
  while (await balancer.refused() === before) {
    if (performance.now() > end) {
      ledger.violated("broken", "it did not refuse a wrong file");
      break;
    }
    await pause(STEP);
  }
  await balancer.configure(backends);
}
