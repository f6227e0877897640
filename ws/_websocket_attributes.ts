/**
 * What the drop-in class has on its prototype: the `on...` attributes, and the
 * states as constants.
 *
 * @module
 */

/** The values of `readyState`. */
export const States = {
  CONNECTING: 0,
  OPEN: 1,
  CLOSING: 2,
  CLOSED: 3,
} as const;

const handlers = new WeakMap<EventTarget, HandlerAttributes>();

/** Puts on a class what Web IDL makes of constants and event handlers. */
export function defineAttributes(
  target: { prototype: EventTarget },
  types: readonly string[],
): void {
  for (const [name, value] of Object.entries(States)) {
    const constant = { value, enumerable: true };
    Object.defineProperty(target, name, constant);
    Object.defineProperty(target.prototype, name, constant);
  }
  for (const type of types) {
    Object.defineProperty(target.prototype, `on${type}`, {
      get(this: EventTarget) {
        return handlers.get(this)?.get(type) ?? null;
      },
      set(this: EventTarget, value: unknown) {
        if (!handlers.has(this)) {
          handlers.set(this, new HandlerAttributes(this));
        }
        handlers.get(this)!.set(type, value);
      },
      enumerable: true,
      configurable: true,
    });
  }
}

interface Attribute {
  value: unknown;
  readonly listener: (event: Event) => void;
}

/**
 * Event handlers as HTML §8.1.8.1 has them: a handler has its place among the
 * listeners from when it was first set, keeps it while it is replaced, and loses
 * it with `null`.
 */
class HandlerAttributes {
  readonly #target: EventTarget;
  readonly #attributes = new Map<string, Attribute>();

  constructor(target: EventTarget) {
    this.#target = target;
  }

  /** The handler for a type of event. */
  get(type: string): unknown {
    return this.#attributes.get(type)?.value;
  }

  /** Sets the handler for a type of event. */
  set(type: string, value: unknown): void {
    const attribute = this.#attributes.get(type);
    if (!isObject(value)) {
      if (attribute === undefined) return;
      this.#attributes.delete(type);
      this.#target.removeEventListener(type, attribute.listener);
    } else if (attribute !== undefined) attribute.value = value;
    else this.#add(type, value);
  }

  #add(type: string, value: unknown): void {
    const attribute: Attribute = {
      value,
      listener: (event) => {
        // An object that cannot be called is kept, and does nothing.
        if (typeof attribute.value !== "function") return;
        const result: unknown = attribute.value.call(this.#target, event);
        if (result === false) event.preventDefault();
      },
    };
    this.#attributes.set(type, attribute);
    this.#target.addEventListener(type, attribute.listener);
  }
}

function isObject(value: unknown): boolean {
  return typeof value === "function" ||
    (typeof value === "object" && value !== null);
}
