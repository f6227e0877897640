/**
 * What is done once at the end of a turn of the event loop.
 *
 * @module
 */

const resolved = Promise.resolve();

/**
 * Collects who has something to do at the end of the turn, and then does it for
 * each. The list is emptied in place, as it fills in every turn; who is added
 * while it runs has its turn, too.
 */
export class TurnEnd<T> {
  readonly #items: (T | undefined)[] = [];
  readonly #run: (item: T) => void;
  #count = 0;

  constructor(run: (item: T) => void) {
    this.#run = run;
  }

  /** Adds one that is not there yet. */
  add(item: T): void {
    this.#items[this.#count++] = item;
    if (this.#count === 1) resolved.then(this.#runAll);
  }

  readonly #runAll = (): void => {
    for (let i = 0; i < this.#count; i++) {
      try {
        this.#run(this.#items[i]!);
      } catch (error) {
        // One's failure must not stop the others'.
        console.error(error);
      }
      this.#items[i] = undefined;
    }
    this.#count = 0;
  };
}
