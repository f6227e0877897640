/**
 * Breaks for a thread whose peers never stop sending.
 *
 * Deno completes a read at once if there is something to read, and looks at other
 * sockets only when it has to wait. A few peers that send without end could so
 * keep all others waiting for seconds; a break is a wait.
 *
 * @module
 */

/** Who keeps a thread busy over TCP fills reads: in bytes. */
const LARGE = 32 * 1024;
/** Reads that are further apart do not follow each other. In milliseconds. */
const GAP = 4;
/** How long reads may follow each other, in milliseconds. */
const MAX_RUN = 20;

/** Who takes a break. */
export interface Resting {
  /** The break is over: Deno has looked at the other sockets. */
  goOn(): void;
}

/** The reads that follow each other, whoever's they are. */
let since = 0;
let until = 0;

const resting = new Set<Resting>();
let timer: ReturnType<typeof setTimeout> | undefined;

/**
 * Whether a read may be one of many for which Deno does not wait.
 *
 * @param size Its bytes.
 * @param secure Whether it came over TLS, which gives a record at a time.
 */
export function mayStarve(size: number, secure: boolean): boolean {
  return secure || size >= LARGE;
}

/** Notes that such a read came, before what came is seen to. */
export function readCame(): void {
  const now = performance.now();
  if (now - until > GAP) since = now;
}

/**
 * Notes that it was seen to.
 *
 * @returns Whether whoever read it should {@linkcode rest} before the next one.
 */
export function readDone(): boolean {
  until = performance.now();
  return until - since > MAX_RUN;
}

function goOn(): void {
  timer = undefined;
  since = until = performance.now();
  const all = [...resting];
  resting.clear();
  for (const each of all) each.goOn();
}

/** Begins a break. */
export function rest(who: Resting): void {
  resting.add(who);
  timer ??= setTimeout(goOn, 0);
}

/** Ends a break without going on. */
export function leaveBreak(who: Resting): void {
  if (!resting.delete(who) || resting.size > 0) return;
  clearTimeout(timer);
  timer = undefined;
}
