"use strict";
// Loaded by --require into a role's process, which does what the harness says to it: dies at a step as by kill -9, has a clock
// that is off, or a disk that is full.
const { subscribe } = require("node:diagnostics_channel");
const { writeSync } = require("node:fs");
const files = require("node:fs/promises");
const { isMainThread } = require("node:worker_threads");

if (isMainThread && process.channel !== undefined) {
  const told = {
    now: Number(process.env.TURINGFOG_NOW),
    at: performance.now(),
    clockOff: 0,
    isDiskFull: false,
    killAt: [],
  };
  process.on("message", (change) => {
    Object.assign(told, change);
    if (change.now !== undefined) told.at = performance.now();
  });
  process.on("disconnect", () => process.exit(1));
  process.channel.unref();

  // the world's time is the chain's, which is moved
  Date.now = () => Math.floor(told.now + (performance.now() - told.at)) + told.clockOff * 1_000;

  subscribe("turingfog:step", (name) => {
    if (!told.killAt.includes(name)) return;
    writeSync(2, `killed at ${name}\n`);
    process.kill(process.pid, "SIGKILL");
  });

  const { statfs } = files;
  files.statfs = async (...args) => {
    const found = await statfs(...args);
    return told.isDiskFull ? { ...found, bavail: 0 } : found;
  };

  // as SQLite says it; see SQLITE_FULL
  const sqlite = require("@photostructure/sqlite");
  class FillableDatabase extends sqlite.DatabaseSync {
    prepare(sql, ...rest) {
      const statement = super.prepare(sql, ...rest);
      const isWriting = /^\s*(insert|update)/i.test(sql);
      const call =
        (name) =>
        (...values) => {
          if (told.isDiskFull && isWriting) throw Object.assign(new Error("database or disk is full"), { errcode: 13 });
          return statement[name](...values);
        };
      return Object.fromEntries(["columns", "iterate", "run", "all", "get"].map((name) => [name, call(name)]));
    }
  }
  require.cache[require.resolve("@photostructure/sqlite")].exports = { ...sqlite, DatabaseSync: FillableDatabase };
}
