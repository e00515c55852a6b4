import { expect } from "chai";

import { docComments, opensBadly } from "../../scripts/prose/count";

/** Texts of the doc comments in a source. */
function textsOf(source: string): string[] {
  return docComments("some.ts", source).map(({ text }) => text);
}

/** Texts of the doc comments in a source that open badly. */
function refusedIn(source: string): string[] {
  return docComments("some.ts", source)
    .filter(opensBadly)
    .map(({ text }) => text);
}

describe("docComments", () => {
  it("finds those of declarations, members, statements and the end of the file", () => {
    const source = `
      /** A type. */
      interface Some {
        /** A field. */
        field: string; /** Behind it. */
        method(/** A parameter. */ one: string): void;
      }
      if (true) {
        /** In a block. */
      }
      /** At the end. */`;

    expect(textsOf(source)).to.deep.equal([
      "A type.",
      "A field.",
      "Behind it.",
      "A parameter.",
      "In a block.",
      "At the end.",
    ]);
  });

  it("takes the margin off a comment of several lines", () => {
    const [comment] = docComments("some.ts", "\n/**\n * Returns one.\n *\n * @throws never\n */\nconst one = 1;");

    expect(comment).to.deep.equal({ file: "some.ts", line: 2, text: "Returns one.\n\n@throws never" });
  });

  it("leaves out other comments, and what strings, templates and expressions hold", () => {
    const source = [
      "// /** a line */",
      "/* a block */ /**/ /*** a banner */",
      'const text = "/** a string */" + `/** a template ${ /* @__PURE__ */ 1 } */`;',
      "const pattern = /\\/** a pattern */;",
    ].join("\n");

    expect(textsOf(source)).to.deep.equal([]);
  });

  it("counts a comment once that quotes another in its tags", () => {
    expect(
      textsOf('/** Finds files.\n * @param glob as "packages/** /src" */\nfunction find(glob: string) {}'),
    ).to.have.lengthOf(1);
  });
});

describe("opensBadly", () => {
  it("refuses What, Where, Of, Has and How, in any case", () => {
    const source = ["What", "where", "OF", "Has", "How"].map((word) => `/** ${word} it is. */\nx;`).join("\n");

    expect(refusedIn(source)).to.have.lengthOf(5);
  });

  it("refuses one on the second line, where the first has the stars alone", () => {
    expect(refusedIn("/**\n * What's left.\n */\nx;")).to.deep.equal(["What's left."]);
  });

  it("accepts other words, those that begin alike included", () => {
    const source = ["However", "Whatever", "Often", "Hash", "Returns what"]
      .map((text) => `/** ${text} */\nx;`)
      .join("\n");

    expect(refusedIn(source)).to.deep.equal([]);
  });

  it("accepts a comment that begins with a tag", () => {
    expect(refusedIn("/** @throws Error */\nx;\n/** {@link x}, of what */\ny;")).to.deep.equal([]);
  });
});
