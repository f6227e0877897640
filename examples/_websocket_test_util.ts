// What the tests of the WebSocket examples share.

import { commandLine, Running, Text } from "./_test_util.ts";

/** Where the tests' certificates are. */
const TESTDATA = new URL("../conn/testdata/", import.meta.url);

/** The path of one of the tests' certificates or keys. */
export function pem(name: string): string {
  return decodeURIComponent(new URL(`${name}.pem`, TESTDATA).pathname);
}

/** Options with which a server speaks TLS, for localhost. */
export const TLS = ["-cert", pem("server"), "-key", pem("server.key")] as const;

/** A WebSocket server that runs, on a free port. */
export async function startWsServer(
  scheme: "ws" | "wss" = "ws",
  ...args: string[]
): Promise<{ server: Running; port: number; url: string; http: string }> {
  const server = await Running.start("websocket_server", [
    ...["-url", `${scheme}://localhost:0`],
    ...(scheme === "wss" ? TLS : []),
    ...args,
  ]);
  const [, url = "", port] = await server.until(
    /^Starting WS listener on (wss?:\/\/localhost:(\d+)\/websocket)\n/,
  );
  const http = `${scheme.replace("ws", "http")}://localhost:${port}`;
  return { server, port: Number(port), url, http };
}

/** A client that runs, at whose keys a test sits. */
export class TalkingClient implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #keys: WritableStreamDefaultWriter<Uint8Array<ArrayBuffer>>;
  /** What it printed. */
  readonly output: Text;
  /** What it remarked. */
  readonly remarks: Text;

  private constructor(child: Deno.ChildProcess) {
    this.#child = child;
    this.#keys = child.stdin.getWriter();
    this.output = new Text(child.stdout);
    this.remarks = new Text(child.stderr);
  }

  /** Starts it. */
  static async start(...args: string[]): Promise<TalkingClient> {
    const command = new Deno.Command(Deno.execPath(), {
      args: [...await commandLine("websocket_client"), "-i", ...args],
      env: { NO_COLOR: "1" },
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    });
    return new TalkingClient(command.spawn());
  }

  /** Types something. */
  async types(text: string): Promise<void> {
    await this.#keys.write(new TextEncoder().encode(text));
  }

  /** Ends the input. */
  async leaves(): Promise<void> {
    await this.#keys.close();
  }

  /** Sends it a signal. */
  kill(signal: Deno.Signal): void {
    this.#child.kill(signal);
  }

  /** Its exit status, once it has ended, and the rest of what it printed. */
  async ended(): Promise<{ code: number; stdout: string; stderr: string }> {
    const [stdout, stderr, { code }] = await Promise.all([
      this.output.rest(),
      this.remarks.rest(),
      this.#child.status,
    ]);
    return { code, stdout, stderr };
  }

  /** Ends it, if it has not ended. */
  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.kill("SIGKILL");
    } catch {
      // It has ended.
    }
    await this.#keys.close().catch(() => {});
    await this.ended();
  }
}
