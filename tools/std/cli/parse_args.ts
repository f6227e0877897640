/**
 * `@std/cli/parse-args` from npm's `deno-std`, for machines that cannot reach
 * JSR.
 *
 * @module
 */

// @ts-types="./parse_args.d.ts"
export * from "npm:deno-std@1.4.0/cli/parse_args.js";
