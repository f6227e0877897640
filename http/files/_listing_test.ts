import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { renderListing } from "./_listing.ts";
import type { Listing, ListingEntry } from "./_listing.ts";

const file = (name: string, size = 1, modified = 0): ListingEntry => ({
  name,
  directory: false,
  size,
  modified,
});

const folder = (name: string, modified = 0): ListingEntry => ({
  name,
  directory: true,
  size: 4096,
  modified,
});

const render = (listing: Partial<Listing>): string =>
  renderListing({
    names: [],
    above: 0,
    entries: [],
    hidden: 0,
    query: "",
    ...listing,
  });

const order = (page: string): string[] =>
  [...page.matchAll(/<td class="name[^"]*"><a href="\.\/[^"]*">([^<]*)</g)].map(
    (match) => match[1] as string,
  );

const ENTRIES = [
  file("b10.txt", 5, 3000),
  folder("zoo", 9000),
  file("b9.txt", 50, 2000),
  folder("ant", 8000),
  file("a.txt", 500, 1000),
];

Deno.test("renderListing sorts as the query says, directories first", () => {
  const table: [query: string, expected: string][] = [
    ["", "ant/ zoo/ a.txt b9.txt b10.txt"],
    ["?sort=name&order=desc", "zoo/ ant/ b10.txt b9.txt a.txt"],
    ["?sort=size", "ant/ zoo/ b10.txt b9.txt a.txt"],
    ["?sort=size&order=desc", "ant/ zoo/ a.txt b9.txt b10.txt"],
    ["?sort=date&order=asc", "ant/ zoo/ a.txt b9.txt b10.txt"],
    ["?sort=date&order=desc", "zoo/ ant/ b10.txt b9.txt a.txt"],
    ["?sort=constructor&order=x", "ant/ zoo/ a.txt b9.txt b10.txt"],
  ];
  for (const [query, expected] of table) {
    assertEquals(
      order(render({ entries: ENTRIES, query })).join(" "),
      expected,
      query,
    );
  }
});

Deno.test("renderListing turns the order round at the column that sorts", () => {
  const page = render({ query: "?sort=size&order=asc" });
  assertStringIncludes(page, 'href="?sort=size&amp;order=desc"');
  assertStringIncludes(page, 'href="?sort=name&amp;order=asc"');
  assertStringIncludes(page, 'aria-sort="ascending"');
});

Deno.test("renderListing escapes names and percent-encodes links", () => {
  const name = `<b>&"'? #%41:é`;
  const page = render({ entries: [file(name)], names: ["<i>"] });
  assert(!page.includes("<b>") && !page.includes("<i>"));
  const link = /href="(\.\/[^"]*)"/.exec(page)?.[1] ?? "";
  const url = new URL(link.replace("&#39;", "'"), "http://h/dir/");
  assertEquals(decodeURIComponent(url.pathname), `/dir/${name}`);
  assertStringIncludes(page, "&lt;b&gt;&amp;&quot;&#39;? #%41:é</a>");
});

Deno.test("renderListing keeps a name with a colon from being a scheme", () => {
  const page = render({ entries: [file("javascript:alert(1)")] });
  assertStringIncludes(page, 'href="./javascript%3Aalert(1)"');
});

Deno.test("renderListing links to the parent, but not above what is served", () => {
  assert(!render({}).includes("Parent directory"));
  assert(!render({ names: ["s"], above: 1 }).includes("Parent directory"));
  const page = render({ names: ["s", "a", "b"], above: 1 });
  assertStringIncludes(page, '<a href="../">Parent directory</a>');
  assertStringIncludes(
    page,
    'Index of <a href="../../">/s/</a><a href="../">a/</a>' +
      '<span aria-current="page">b/</span>',
  );
});

Deno.test("renderListing shows sizes, dates and a summary", () => {
  const page = render({
    entries: [folder("d"), file("f", 2048, Date.UTC(2026, 4, 1, 12, 30))],
    hidden: 3,
  });
  assertStringIncludes(page, 'title="2048 bytes"');
  assertStringIncludes(page, ">2026-05-01 12:30</time>");
  assertStringIncludes(page, "1 folder, 1 file, ");
  assertStringIncludes(page, "3 more not shown");
});

Deno.test("renderListing leaves out a date that is not known", () => {
  const entry = { ...file("f"), modified: undefined };
  assert(!render({ entries: [entry] }).includes("<time"));
});
