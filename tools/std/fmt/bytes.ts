/**
 * `@std/fmt/bytes` from npm's `deno-std`, for machines that cannot reach JSR.
 *
 * @module
 */

// @ts-types="./bytes.d.ts"
export * from "npm:deno-std@1.4.0/fmt/bytes.js";
