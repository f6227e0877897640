// The page that shows what is in a directory. Pure: entries in, HTML out.

import { format } from "@std/fmt/bytes";

/** One file or directory. */
export interface ListingEntry {
  readonly name: string;
  readonly directory: boolean;
  /** Bytes; of no meaning for a directory. */
  readonly size: number;
  /** Milliseconds since the epoch, if known. */
  readonly modified: number | undefined;
}

/** What the page shows. */
export interface Listing {
  /** The names from the server's root down to this directory. */
  readonly names: readonly string[];
  /** How many of `names` lie above what is served, and have no page. */
  readonly above: number;
  readonly entries: readonly ListingEntry[];
  /** How many more there are, which are not shown. */
  readonly hidden: number;
  /** The query of the request's URL, which may choose an order. */
  readonly query: string;
}

const KEYS = ["name", "size", "date"] as const;
type Key = typeof KEYS[number];

/** By what the entries are sorted, and whether from the top down. */
interface Order {
  readonly key: Key;
  readonly descending: boolean;
}

const collator = new Intl.Collator("en", { numeric: true });

const ESCAPES: Record<string, string> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

function escape(text: string): string {
  return text.replace(/[&<>"']/g, (char) => ESCAPES[char] as string);
}

/** Reads `?sort=name|size|date&order=asc|desc`; by name if it says nothing. */
function parseOrder(query: string): Order {
  const params = new URLSearchParams(query);
  const key = KEYS.find((k) => k === params.get("sort")) ?? "name";
  return { key, descending: params.get("order") === "desc" };
}

/** Sorts directories before files, and what is equal by name. */
function sortEntries(
  entries: readonly ListingEntry[],
  { key, descending }: Order,
): ListingEntry[] {
  const sign = descending ? -1 : 1;
  return entries.toSorted((a, b) => {
    if (a.directory !== b.directory) return a.directory ? -1 : 1;
    const byName = collator.compare(a.name, b.name);
    if (key === "name") return sign * byName;
    const difference = key === "size"
      ? (a.directory ? 0 : a.size - b.size)
      : (a.modified ?? 0) - (b.modified ?? 0);
    return sign * difference || byName;
  });
}

/** Renders the page. Links are relative; sorting works by links, too. */
export function renderListing(listing: Listing): string {
  const order = parseOrder(listing.query);
  const title = "Index of /" + listing.names.map((name) => name + "/").join("");
  const rows = sortEntries(listing.entries, order).map(renderRow);
  if (listing.names.length > listing.above) rows.unshift(PARENT_ROW);
  return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="UTF-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escape(title)}</title>
<style>${STYLE}</style>
</head>
<body>
<main>
<h1>${renderTrail(listing)}</h1>
<table>
<thead>
<tr>${KEYS.map((key) => renderColumn(key, order)).join("")}</tr>
</thead>
<tbody>
${rows.join("\n")}
</tbody>
</table>
<p>${renderSummary(listing)}</p>
</main>
</body>
</html>
`;
}

/** Links to the directories from the root of what is served down to this one. */
function renderTrail({ names, above }: Listing): string {
  const root = "/" + names.slice(0, above).map((name) => name + "/").join("");
  const labels = [root, ...names.slice(above).map((name) => name + "/")];
  const links = labels.map((label, i) => {
    const up = labels.length - 1 - i;
    return up === 0
      ? `<span aria-current="page">${escape(label)}</span>`
      : `<a href="${"../".repeat(up)}">${escape(label)}</a>`;
  });
  return "Index of " + links.join("");
}

const LABELS: Record<Key, string> = {
  name: "Name",
  size: "Size",
  date: "Modified (UTC)",
};

/** A heading; clicking the one that sorts already turns the order round. */
function renderColumn(key: Key, order: Order): string {
  const active = key === order.key;
  const next = active && !order.descending ? "desc" : "asc";
  const state = !active
    ? ""
    : ` aria-sort="${order.descending ? "descending" : "ascending"}"`;
  const arrow = !active ? "" : order.descending ? " ↓" : " ↑";
  return `<th scope="col" class="${key}"${state}>` +
    `<a href="?sort=${key}&amp;order=${next}">${LABELS[key]}${arrow}</a></th>`;
}

const PARENT_ROW = `<tr><td class="name dir"><a href="../">Parent directory` +
  `</a></td><td class="size"></td><td class="date"></td></tr>`;

function renderRow(entry: ListingEntry): string {
  const slash = entry.directory ? "/" : "";
  // With "./" in front, a colon in the name does not make a scheme of it.
  const href = "./" + encodeURIComponent(entry.name) + slash;
  const size = entry.directory
    ? ""
    : `<data value="${entry.size}" title="${entry.size} bytes">` +
      `${format(entry.size, { binary: true })}</data>`;
  return `<tr><td class="name${entry.directory ? " dir" : ""}">` +
    `<a href="${escape(href)}">${escape(entry.name)}${slash}</a></td>` +
    `<td class="size">${size}</td>` +
    `<td class="date">${renderTime(entry.modified)}</td></tr>`;
}

function renderTime(modified: number | undefined): string {
  if (modified === undefined) return "";
  const iso = new Date(modified).toISOString();
  return `<time datetime="${iso}">${iso.slice(0, 10)} ` +
    `${iso.slice(11, 16)}</time>`;
}

function renderSummary({ entries, hidden }: Listing): string {
  const files = entries.filter((entry) => !entry.directory);
  const folders = entries.length - files.length;
  const bytes = files.reduce((sum, file) => sum + file.size, 0);
  const parts = [plural(folders, "folder"), plural(files.length, "file")];
  if (files.length > 0) parts.push(format(bytes, { binary: true }));
  if (hidden > 0) parts.push(`${hidden} more not shown`);
  return parts.join(", ");
}

function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}

const STYLE = `
:root {
  color-scheme: light dark;
  --text: #1f2328; --soft: #59636e; --line: #d8dee4;
  --page: #fff; --hover: #f3f5f7; --link: #0757c2;
}
@media (prefers-color-scheme: dark) {
  :root {
    --text: #e6edf3; --soft: #9aa4ae; --line: #30363d;
    --page: #0f1318; --hover: #1a2027; --link: #6cb0ff;
  }
}
body {
  margin: 0; background: var(--page); color: var(--text);
  font: 16px/1.5 system-ui, sans-serif;
}
main { max-width: 60rem; margin: 0 auto; padding: 1.5rem 1rem 3rem; }
h1 { font-size: 1.25rem; font-weight: 600; overflow-wrap: anywhere; }
p { color: var(--soft); }
a { color: var(--link); text-decoration: none; }
a:hover, a:focus-visible { text-decoration: underline; }
table { width: 100%; border-collapse: collapse; }
th, td { padding: .4rem .6rem; border-bottom: 1px solid var(--line); }
th { text-align: left; font-weight: 600; white-space: nowrap; }
tbody tr:hover { background: var(--hover); }
.name { overflow-wrap: anywhere; }
.name a { display: block; }
tbody .name a::before {
  content: ""; display: inline-block; width: .8rem; height: .7rem;
  margin-right: .6rem; border: 1.5px solid var(--soft); border-radius: 2px;
}
tbody .dir a::before { background: var(--soft); }
.size, .date { white-space: nowrap; font-variant-numeric: tabular-nums; }
.size { text-align: right; }
tbody .size, tbody .date { color: var(--soft); }
p { font-size: .875rem; }
th.name { width: 100%; }
@media (max-width: 36rem) {
  table, thead, tbody { display: block; }
  thead tr { display: flex; padding: 0 .6rem;
    border-bottom: 1px solid var(--line); }
  th { padding: .4rem 1rem .4rem 0; border: 0; }
  th.name { width: auto; }
  tbody .size:empty { display: none; }
  main { padding: .75rem .25rem 2rem; }
  h1, p { padding: 0 .6rem; }
  tbody tr { display: flex; flex-wrap: wrap; padding: .4rem .6rem;
    border-bottom: 1px solid var(--line); column-gap: .75rem; }
  tbody td { padding: 0; border: 0; font-size: .875rem; }
  tbody .name { flex-basis: 100%; font-size: 1rem; }
}
`;
