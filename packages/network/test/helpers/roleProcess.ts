import { runRole } from "@turingfog/network";

/** Runs a role that does nothing, or fails at its start, as its argument says. */
void runRole({
  name: "idle",
  config: { monitor: { host: "127.0.0.1", port: Number(process.argv[3]) }, clock: "system", log: "info" },
  start: async ({ health, log }) => {
    if (process.argv[2] === "fail") throw new Error("The store\n is gone");
    health.report("chain", "waiting", "no node");
    log.info("ready");
    return { stop: async () => log.info("cleaned up") };
  },
}).then((code) => process.exit(code));
