// The server's side of TLS, by node:tls, for clients that show a certificate.
// In Deno a socket of node:tls that listens by itself reads on while nobody takes
// what it has read. So the bytes of the network go through here, and no more of
// them than are asked for.

import { Buffer } from "node:buffer";
import { Duplex } from "node:stream";
import { createServer, type TLSSocket } from "node:tls";
import type { Transport } from "@meerkat/net/conn";

/** The most bytes that one read or write moves. */
const CHUNK = 64 * 1024;

/** The texts of PEM files. */
export interface ServerTls {
  readonly cert: string;
  readonly key: string;
  readonly ca: string;
}

/** A TCP connection with TLS on it, which has its handshake to do. */
export class TlsTransport implements Transport {
  readonly #tcp: Deno.TcpConn;
  readonly #tls: ServerTls;
  /** The encrypted side of the TLS socket. */
  readonly #wire: Duplex;
  readonly #secured = Promise.withResolvers<TLSSocket>();
  #socket: TLSSocket | undefined;
  #error: unknown;
  #pulling = false;
  /** Settles when the last write to the network is done. */
  #sent = Promise.resolve();
  #reading: PromiseWithResolvers<void> | undefined;
  #writing: PromiseWithResolvers<void> | undefined;

  constructor(tcp: Deno.TcpConn, tls: ServerTls) {
    this.#tcp = tcp;
    this.#tls = tls;
    this.#secured.promise.catch(() => {});
    this.#wire = new Duplex({
      read() {},
      write: (bytes, _encoding, done) => {
        const sent = writeAll(tcp, bytes);
        this.#sent = sent.then(() => done(), (error) => this.#fail(error));
      },
    });
    // Else what is not read or sent yet would be lost when TLS is over.
    this.#wire.destroy = () => this.#wire;
  }

  get localAddr(): Deno.Addr {
    return this.#tcp.localAddr;
  }

  get remoteAddr(): Deno.Addr {
    return this.#tcp.remoteAddr;
  }

  /** Shakes hands; rejects if the client shows no certificate that will do. */
  async handshake(): Promise<{ alpnProtocol: string | null }> {
    this.#tcp.setNoDelay(true);
    // A server for this connection alone, which listens nowhere: node:tls checks
    // certificates only there.
    const server = createServer({
      ...this.#tls,
      requestCert: true,
      rejectUnauthorized: true,
      handshakeTimeout: 10_000,
    }, (socket) => this.#start(socket));
    server.on("tlsClientError", (error) => this.#fail(error));
    server.emit("connection", this.#wire);
    this.#pull();
    try {
      const { alpnProtocol } = await this.#secured.promise;
      return { alpnProtocol: alpnProtocol || null };
    } finally {
      // The client is told what is wrong.
      await this.#flush();
    }
  }

  #start(socket: TLSSocket): void {
    const wake = () => this.#reading?.resolve();
    socket.on("readable", wake).on("end", wake).on("close", wake);
    socket.on("error", (error) => this.#fail(error));
    this.#socket = socket;
    if (socket.authorized) this.#secured.resolve(socket);
    else this.#fail(new Error("The client's certificate is not authorized"));
  }

  async read(buffer: Uint8Array): Promise<number | null> {
    for (;;) {
      const count = this.#take(buffer);
      if (count !== undefined) return count;
      this.#reading = Promise.withResolvers();
      this.#pull();
      await this.#reading.promise;
    }
  }

  /** Gives what is decrypted; `undefined` if there is nothing yet. */
  #take(buffer: Uint8Array): number | null | undefined {
    if (this.#error !== undefined) throw this.#error;
    const socket = this.#socket!;
    const size = Math.min(buffer.length, socket.readableLength);
    const bytes: Uint8Array | null = socket.read(size);
    if (bytes === null) {
      return socket.readableEnded || socket.destroyed ? null : undefined;
    }
    buffer.set(bytes);
    return bytes.length;
  }

  /** Reads from the network: in the handshake all, and later one time. */
  async #pull(): Promise<void> {
    if (this.#pulling) return;
    this.#pulling = true;
    try {
      do {
        const buffer = Buffer.alloc(CHUNK);
        const count = await this.#tcp.read(buffer);
        if (count !== null) this.#wire.push(buffer.subarray(0, count));
        else if (this.#socket !== undefined) return void this.#wire.push(null);
        else throw new Deno.errors.UnexpectedEof("The client left");
      } while (this.#socket === undefined);
      this.#pulling = false;
      this.#reading?.resolve();
    } catch (error) {
      this.#fail(error);
    }
  }

  async write(bytes: Uint8Array): Promise<number> {
    const part = bytes.subarray(0, CHUNK);
    await this.#done((done) => this.#socket!.write(part, done));
    return part.length;
  }

  async closeWrite(): Promise<void> {
    await this.#done((done) => this.#socket!.end(done));
    await this.#flush();
    await this.#tcp.closeWrite();
  }

  /** Waits until all is sent, what TLS adds by itself included. */
  async #flush(): Promise<void> {
    for (let sent; sent !== this.#sent;) await (sent = this.#sent);
  }

  /** Waits for what calls back when it is done. */
  #done(start: (done: (error?: Error | null) => void) => void): Promise<void> {
    if (this.#error !== undefined) return Promise.reject(this.#error);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#writing = { promise, resolve, reject };
    start((error) => error ? reject(this.#error ?? error) : resolve());
    return promise;
  }

  close(): void {
    this.#fail(new Deno.errors.Interrupted("The connection was closed"));
    this.#socket?.destroy();
    this.#tcp.close();
  }

  /** What is under way fails, and so does all that is begun later. */
  #fail(error: unknown): void {
    this.#error ??= error;
    this.#secured.reject(this.#error);
    this.#reading?.resolve();
    this.#writing?.reject(this.#error);
  }
}

async function writeAll(tcp: Deno.TcpConn, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) {
    at += await tcp.write(bytes.subarray(at));
  }
}
