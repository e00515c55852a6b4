import path from "node:path";

import { expect } from "chai";

import { parsePage, readPages, trackedFiles } from "./pages";

const TRACKED = trackedFiles();

/** A path that commands write to, which no checkout has. */
const WRITTEN = /^(deployments\/.*\.json|(audit|bench|demo|rehearsal)-out\/.*)$/;

/** Tells whether git tracks a file, or a file in a folder, by a path from the root. */
function isTracked(target: string): boolean {
  const plain = target.replace(/\/$/, "");
  return plain === "." || TRACKED.some((file) => file === plain || file.startsWith(`${plain}/`));
}

/** Texts between backticks that are paths from the root: the first part is a file or folder of the root. */
function pathsIn(spans: readonly string[]): string[] {
  const rooms = new Set(TRACKED.map((file) => file.split("/")[0]));
  return spans.filter((span) => {
    const [room, ...rest] = span.split("/");
    return (
      rooms.has(room) &&
      rest.length > 0 &&
      !/\b(NAME|NOUN|VERB)\b/.test(span) &&
      /^[\w./@-]+$/.test(span) &&
      !WRITTEN.test(span)
    );
  });
}

describe("the links and paths of the documentation", () => {
  const pages = readPages();
  const anchors = new Map(pages.map((page) => [page.file, page.anchors]));

  it("have targets that exist, heading included", () => {
    const broken: string[] = [];
    let seen = 0;
    for (const { file, links } of pages) {
      for (const link of links.filter((each) => !/^[a-z]+:/.test(each))) {
        seen++;
        const [target, anchor] = link.split("#");
        const page = target === "" ? file : path.join(path.dirname(file), target);
        const isThere = isTracked(page) && (anchor === undefined || anchors.get(page)?.has(anchor) === true);
        if (!isThere) broken.push(`${file}: ${link}`);
      }
    }
    expect(broken).to.deep.equal([]);
    expect(seen).to.be.above(100);
  });

  it("name files and folders that exist", () => {
    const named = pages.flatMap(({ file, spans }) => pathsIn(spans).map((span) => ({ file, span })));
    expect(named.filter(({ span }) => !isTracked(span)).map(({ file, span }) => `${file}: ${span}`)).to.deep.equal([]);
    expect(named.length).to.be.above(50);
  });
});

describe("parsePage", () => {
  it("finds anchors, links, spans and blocks, in lists and tables too", () => {
    const text = [
      "# A `b`, c",
      "## Same",
      "## Same",
      "1. one",
      "",
      "   ```sh",
      "   ls",
      "   ```",
      "",
      "| [d](e.md#f) | `g \\| h` |",
      "| - | - |",
    ].join("\n");
    const { anchors, ...rest } = parsePage("x.md", text);
    expect([...anchors]).to.deep.equal(["a-b-c", "same", "same-1"]);
    expect(rest).to.deep.equal({
      file: "x.md",
      links: ["e.md#f"],
      spans: ["b", "g | h"],
      blocks: [{ section: "x.md#same-1", language: "sh", text: "ls" }],
    });
  });
});
