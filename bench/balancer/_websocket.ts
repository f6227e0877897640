/**
 * An echo through the proxies.
 *
 * @module
 */

import { Program } from "../_process.ts";
import type { Claim } from "../_report.ts";
import { type Sample, sideBySide, type Subject } from "../_rounds.ts";
import type { Figure } from "../_suite.ts";
import { startGenerator } from "../ws/_load.ts";
import { report } from "./_http.ts";
import { type Proxy, startProxies } from "./_proxies.ts";

const CONNECTIONS = 64;
const SIZE = 20;

/** Short text, there and back. */
export const websocket: Figure = {
  title: `WebSocket echo of ${SIZE} B, ${CONNECTIONS} connections`,
  async run(context): Promise<Claim[]> {
    await using all = new AsyncDisposableStack();
    const start = async () =>
      all.use(await Program.start({ file: "ws/deno_conn.ts" }));
    const backends = [await start(), await start()];
    const ports = backends.map(({ port }) => port);
    const proxies = await startProxies(context, ports, all);
    const generator = all.use(await startGenerator());
    const subjects = [...proxies].map(([name, proxy]) =>
      underEcho(`${name} (echo)`, proxy, generator)
    );
    const series = await sideBySide(subjects, context.plan);
    return report(context, series, [], "message");
  },
};

/** A proxy with clients that send, and send again when the echo is there. */
function underEcho(label: string, proxy: Proxy, generator: Program): Subject {
  return {
    label,
    async measure(seconds): Promise<Sample> {
      await generator.ask(`open ${proxy.port} ${CONNECTIONS} none`);
      await generator.ask(`check text ${SIZE}`);
      const before = [proxy.cpu(), generator.cpu()] as const;
      const line = `run text ${SIZE} 1 ${seconds * 1000}`;
      const answer = await generator.ask(line);
      const [messages = 0, milliseconds = 0] = answer.split(" ").map(Number);
      const cpu = proxy.cpu() - before[0];
      const load = generator.cpu() - before[1];
      await generator.ask("close");
      return {
        rate: messages / milliseconds * 1000,
        cpu: cpu / messages,
        busy: cpu / milliseconds / 1000,
        load: load / milliseconds / 1000,
      };
    },
  };
}
