import { initSigner } from "@turingfog/network";
import { defineCommand, UsageError, wholeNumber } from "../../lib/command.js";

const USAGE = `Writes a new oracle signer's keys and its configuration file to an empty folder.

  turingfog signer init --folder DIR --network NAME --endpoint URL [--peers URL,…] [--port N] [--deployments DIR] [--json]

  --folder DIR       folder to write to; nothing in it is overwritten
  --network NAME     chain of the deployment
  --endpoint URL     where other signers and nodes reach this one
  --peers URL,…      endpoints of other signers, to begin with
  --port N           port to listen on, at 127.0.0.1; /health and /metrics are on the next one (default 8600)
  --deployments DIR  folder of the address books (default deployments)
  --json             print JSON alone: config, signer and gas
  --help             print this

Then the governor names the signer's address (turingfog govern), and somebody sends the gas key some coins. Run the signer
with \`turingfog signer run\`. See docs/operators/signer.md.`;

const LAST_PORT = 65_534;

export const command = defineCommand({
  usage: USAGE,
  options: {
    folder: { type: "string" },
    network: { type: "string" },
    endpoint: { type: "string" },
    peers: { type: "string", default: "" },
    port: { type: "string", default: "8600" },
    deployments: { type: "string", default: "deployments" },
  },
  required: ["folder", "network", "endpoint"],
  async run({ folder, network, endpoint, peers, port, deployments }, output) {
    const number = wholeNumber("port", port ?? "", 1);
    if (number > LAST_PORT) throw new UsageError(`--port is ${number}, must be at most ${LAST_PORT}`);
    const made = await initSigner({
      folder,
      network,
      endpoint,
      port: number,
      peers: (peers ?? "").split(",").filter((each) => each !== ""),
      deployments: deployments ?? "",
    });
    const { config, signer, gas } = made;
    output.result(
      made,
      `${config} and the keys beside it are written.\nSigner, to be named by the governor: ${signer}\nGas key, which needs coins: ${gas}`,
    );
  },
});
