// The balancer of one thread: the only one, or one of several.

import {
  type AccessLog,
  accessLog,
  type AccessLogConfig,
  balance,
  type BalancerConfig,
  type BalancerServer,
  type ListenLimits,
  type LogWriter,
} from "@meerkat/net/balancer";

/** What each thread is told besides the balancer's configuration. */
export interface ThreadOptions {
  /** Certificate and key, as PEM; nothing for plain HTTP. */
  readonly tls: { cert: string; key: string } | undefined;
  readonly proxyProtocol: boolean;
  readonly limits: ListenLimits;
  readonly log: AccessLogConfig | undefined;
}

/** A balancer that listens. */
export interface BalancerThread {
  readonly server: BalancerServer;
  /** Writes what is left of the log, when the server has finished. */
  finish(): Promise<void>;
}

/** So many bytes a pipe takes from one thread without those of another between. */
const PIPE_BUF = 4096;

/** Starts a balancer, with its log. */
export async function startThread(
  config: BalancerConfig,
  listen: { hostname: string; port: number; reusePort?: boolean },
  { tls, proxyProtocol, limits, log: wanted }: ThreadOptions,
): Promise<BalancerThread> {
  const log = wanted && await openLog(wanted);
  const server = balance(config, {
    ...listen,
    ...limits,
    ...tls,
    proxyProtocol,
    ...(log === undefined ? {} : { onRequest: (record) => log.log(record) }),
  });
  return { server, finish: async () => await log?.close() };
}

async function openLog(
  { format = "seed", file = "-" }: AccessLogConfig,
): Promise<AccessLog> {
  const onError = (error: Error) => console.error(error.message);
  if (file === "-") return accessLog({ format, write: toStdout, onError });
  let opened = await append(file);
  const log = accessLog({ format, write: writer(opened), onError });
  if (Deno.build.os === "windows") return log;
  // Who has renamed the file says so: from here on there is a new one.
  Deno.addSignalListener("SIGUSR2", async () => {
    try {
      const old = opened;
      opened = await append(file);
      await log.reopen(writer(opened));
      old.close();
    } catch (error) {
      onError(error as Error);
    }
  });
  return log;
}

function append(file: string): Promise<Deno.FsFile> {
  return Deno.open(file, { append: true, create: true });
}

function writer(file: Deno.FsFile): LogWriter {
  return (bytes) => file.write(bytes);
}

/** Writes whole lines, and no more than what stays together. */
function toStdout(bytes: Uint8Array): Promise<number> {
  const end = bytes.length <= PIPE_BUF
    ? bytes.length
    : bytes.lastIndexOf(0x0a, PIPE_BUF - 1) + 1;
  return Deno.stdout.write(end === 0 ? bytes : bytes.subarray(0, end));
}
