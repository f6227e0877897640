/**
 * Tasks of the event loop, for the drop-in class: one for each event.
 *
 * @module
 */

interface Task {
  readonly run: () => unknown;
  readonly size: number;
}

// What waits here is bounded like a socket's buffer: beyond it reading pauses.
const HIGH_MARK = 1024 * 1024;
const OVERHEAD = 128;

/**
 * Runs tasks one by one, in order, never inside the call that adds them. Between
 * two of them all promise reactions run, as between two tasks of a browser: a
 * program that awaits one event and then listens for the next misses none.
 */
export class TaskQueue {
  #tasks: Task[] = [];
  #size = 0;
  #low: PromiseWithResolvers<void> | undefined;

  /**
   * Adds a task.
   *
   * @param run The task.
   * @param size Bytes that it holds on to.
   * @returns If much is waiting, a promise that resolves when that is over.
   */
  push(run: () => unknown, size = 0): void | Promise<void> {
    const task = { run, size: size + OVERHEAD };
    if (this.#tasks.push(task) === 1) setImmediate(this.#next);
    this.#size += task.size;
    if (this.#size <= HIGH_MARK) return;
    this.#low ??= Promise.withResolvers();
    return this.#low.promise;
  }

  readonly #next = (): void => {
    const { run, size } = this.#tasks.shift()!;
    this.#size -= size;
    if (this.#tasks.length > 0) setImmediate(this.#next);
    if (this.#low !== undefined && this.#size <= HIGH_MARK) {
      this.#low.resolve();
      this.#low = undefined;
    }
    run();
  };
}
