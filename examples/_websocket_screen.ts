// Where the WebSocket client prints.

import { printable } from "./_printable.ts";

/** Takes lines of text: answers go to one place, remarks to another. */
export interface Outputs {
  /** Prints an answer. */
  readonly print: (text: string) => void;
  /** Prints a remark. */
  readonly note: (text: string) => void;
  /** Writes text, without a line's end, if there is a terminal. */
  readonly write?: (text: string) => void;
}

const PROMPT = "> ";
/** To the start of the line, and clear it. */
const CLEAR = "\r\x1b[K";

/** Answers, remarks, and a prompt that stays below them on a terminal. */
export class Screen {
  readonly #outputs: Outputs;
  #prompted = false;

  /** @param outputs Where it prints. */
  constructor(outputs: Outputs) {
    this.#outputs = outputs;
  }

  /** Prints what came; nothing in it is obeyed by a terminal. */
  print(text: string): void {
    this.#above(() => this.#outputs.print(printable(text)));
  }

  /** Prints what the user should know besides. */
  note(text: string): void {
    this.#above(() => this.#outputs.note(printable(text)));
  }

  /** Asks for a line. */
  prompt(): void {
    this.#prompted = true;
    this.#outputs.write?.(PROMPT);
  }

  /** A line was typed, so the prompt is no longer where the cursor is. */
  typed(): void {
    this.#prompted = false;
  }

  /** Takes the prompt away. */
  end(): void {
    if (this.#prompted) this.#outputs.write?.(CLEAR);
    this.#prompted = false;
  }

  #above(print: () => void): void {
    if (this.#prompted) this.#outputs.write?.(CLEAR);
    print();
    if (this.#prompted) this.#outputs.write?.(PROMPT);
  }
}
