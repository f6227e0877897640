/**
 * What every engine must do: the same tests for each of them.
 *
 * @module
 */

import type { Clock } from "../../conn/clock.ts";
import type { Engine } from "./engine.ts";
import { basicContract } from "./_contract_basic_test_util.ts";
import { durableContract } from "./_contract_durable_test_util.ts";
import { keyContract } from "./_contract_keys_test_util.ts";
import { propertyContract } from "./_contract_property_test_util.ts";
import { sharedContract } from "./_contract_shared_test_util.ts";

/** Options that the tests set. */
export interface ContractEngineOptions {
  keyTtl?: number;
  clock?: Clock;
}

/** A fresh, empty store for one test. */
export interface ContractStore {
  /** Makes another engine over the store; the test opens and closes it. */
  engine(options?: ContractEngineOptions): Engine;
  /** Ends it, when all engines are closed. */
  dispose(): Promise<void>;
}

/** What the tests need to know of an engine. */
export interface ContractTraits {
  /** Several engines may be open over a store at a time. */
  shared: boolean;
  /** What was published is there for the next engine that opens the store. */
  durable: boolean;
  /**
   * Keys expire by the `clock` that the engine is given. Otherwise, the tests of
   * expiry are left to the engine's own.
   *
   * @default {true}
   */
  keysByClock?: boolean;
  /** Leave the tests out: a program that they need is not there. */
  ignore?: boolean;
}

/** Registers one test of the contract. */
export type ContractTest = (
  what: string,
  fn: (store: ContractStore) => Promise<void>,
) => void;

/**
 * Registers the tests.
 *
 * @param name The engine's name; each test's name begins with it.
 * @param make Makes a fresh, empty store.
 * @param traits What to expect of it.
 */
export function engineContract(
  name: string,
  make: () => ContractStore | Promise<ContractStore>,
  traits: ContractTraits,
): void {
  const test: ContractTest = (what, fn) =>
    Deno.test({
      name: `${name} engine: ${what}`,
      ignore: traits.ignore ?? false,
      fn: async () => {
        const store = await make();
        try {
          await fn(store);
        } finally {
          await store.dispose();
        }
      },
    });
  basicContract(test);
  keyContract(test, traits);
  propertyContract(name, make, traits);
  if (traits.durable) durableContract(test);
  if (traits.shared) sharedContract(test);
}
