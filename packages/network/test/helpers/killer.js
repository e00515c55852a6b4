// Loaded by --require: ends the process, as kill -9 does, when it reaches the step that TURINGFOG_KILL_AT names.
const { subscribe } = require("node:diagnostics_channel");

subscribe("turingfog:step", (name) => {
  if (name === process.env.TURINGFOG_KILL_AT) process.kill(process.pid, "SIGKILL");
});
