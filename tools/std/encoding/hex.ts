/**
 * `@std/encoding/hex` from npm's `deno-std`, for machines that cannot reach
 * JSR.
 *
 * @module
 */

// @ts-types="./hex.d.ts"
export * from "npm:deno-std@1.4.0/encoding/hex.js";
