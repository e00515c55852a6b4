"use strict";
// The program that jobs run: counts the words of its input's files, writes what it has counted, and does so again for some
// seconds.
const { readdirSync, readFileSync, renameSync, writeFileSync } = require("node:fs");
const path = require("node:path");

const [input, output, seconds] = process.argv.slice(2);
const end = performance.now() + Number(seconds) * 1_000;

function count() {
  const texts = readdirSync(input).filter((name) => name.endsWith(".md"));
  const words = texts.map((name) => [name, readFileSync(path.join(input, name), "utf8").split(/\s+/).length]);
  // it may be ended at any time
  writeFileSync(path.join(output, "words.new"), JSON.stringify(Object.fromEntries(words)));
  renameSync(path.join(output, "words.new"), path.join(output, "words.json"));
  if (performance.now() < end) setTimeout(count, 500);
}

count();
