// undici's request(), on Node or on Deno. Node is told where undici is.

import process from "node:process";
import { drive } from "../_program.mjs";

const { request } = await import(process.argv[2] ?? "undici");
await drive(async (url) => {
  const { body } = await request(url);
  await body.text();
});
