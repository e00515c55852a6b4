#!/usr/bin/env node
const { exitWith } = require("../dist/lib/command.js");
const { turingfog } = require("../dist/turingfog.js");

exitWith(turingfog(process.argv.slice(2)));
