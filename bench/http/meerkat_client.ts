// Our client.

import { Client } from "@meerkat/net/http";
import { drive } from "../_program.mjs";

const client = new Client();
await drive(async (url) => {
  const { body } = await client.request(url);
  await body.text();
});
