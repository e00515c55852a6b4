import { Command } from "@commander-js/extra-typings";

import { type AnyCommand, newGroup, runCommand } from "./lib/command.js";

/** A command that is loaded when it is called, with one line that says what it does. */
interface Verb {
  summary: string;
  load: () => Promise<{ command: AnyCommand }>;
}

interface Noun {
  summary: string;
  examples: readonly string[];
  verbs: Record<string, Verb>;
}

/** Commands of two words: `turingfog NOUN VERB` is the file commands/NOUN/VERB.ts. */
export const NOUNS: Record<string, Noun> = {
  deploy: {
    summary: "plan, run, look at and check a deployment",
    examples: [
      "turingfog deploy plan --network localhost --parameters deploy/parameters/local.json5",
      "turingfog deploy run --network localhost --parameters deploy/parameters/local.json5",
      "turingfog deploy accept --network localhost --parameters deploy/parameters/local.json5",
    ],
    verbs: {
      plan: { summary: "show what a deployment would do and cost", load: () => import("./commands/deploy/plan.js") },
      run: { summary: "deploy, or resume an interrupted deployment", load: () => import("./commands/deploy/run.js") },
      status: {
        summary: "show what is deployed, missing or different",
        load: () => import("./commands/deploy/status.js"),
      },
      verify: {
        summary: "check code and roles against the build and the parameters",
        load: () => import("./commands/deploy/verify.js"),
      },
      accept: {
        summary: "check a whole deployment against its parameters",
        load: () => import("./commands/deploy/accept.js"),
      },
    },
  },
  govern: {
    summary: "change what the governor may change, after a delay",
    examples: [
      "turingfog govern schedule replace-guardian --guardian 0x… --network sepolia --dry-run",
      "turingfog govern list --network sepolia",
      "turingfog govern execute --id 0x8f…02 --network sepolia",
    ],
    verbs: {
      build: { summary: "print an operation and its calls", load: () => import("./commands/govern/build.js") },
      schedule: { summary: "schedule an action", load: () => import("./commands/govern/schedule.js") },
      execute: { summary: "execute an operation after its delay", load: () => import("./commands/govern/execute.js") },
      cancel: { summary: "cancel an operation", load: () => import("./commands/govern/cancel.js") },
      list: {
        summary: "list the operations that are waiting or ready",
        load: () => import("./commands/govern/list.js"),
      },
    },
  },
  guard: {
    summary: "act as the guardian, without a delay",
    examples: [
      "turingfog guard roots --network sepolia --signer https://signer.example",
      "turingfog guard veto --root 0x5c…e1 --network sepolia --keystore guardian.json",
      "turingfog guard freeze --network ethereum --safe freeze.json",
    ],
    verbs: {
      roots: { summary: "list the pending roots of receipts", load: () => import("./commands/guard/roots.js") },
      veto: { summary: "refuse a pending root of receipts", load: () => import("./commands/guard/veto.js") },
      "revoke-node": { summary: "end a node's attestation", load: () => import("./commands/guard/revoke-node.js") },
      "veto-rating": { summary: "take a pending rating back", load: () => import("./commands/guard/veto-rating.js") },
      freeze: {
        summary: "stop receipts, attestations and orders for 7 days at most",
        load: () => import("./commands/guard/freeze.js"),
      },
      thaw: { summary: "end a freeze", load: () => import("./commands/guard/thaw.js") },
    },
  },
  keeper: {
    summary: "settle, burn, buy, close and claim for all, as a keeper",
    examples: ["turingfog keeper init --help", "turingfog keeper run --config keeper/keeper.json5"],
    verbs: {
      init: { summary: "write a keeper's key and configuration", load: () => import("./commands/keeper/init.js") },
      run: { summary: "run a keeper", load: () => import("./commands/keeper/run.js") },
    },
  },
  keystore: {
    summary: "encrypt a key for the commands that send",
    examples: ["turingfog keystore create --out deployer.json"],
    verbs: {
      create: { summary: "write a new key", load: () => import("./commands/keystore/create.js") },
      import: { summary: "write an existing key", load: () => import("./commands/keystore/import.js") },
    },
  },
  signer: {
    summary: "run an oracle signer",
    examples: ["turingfog signer init --help", "turingfog signer run --config signer/signer.json5"],
    verbs: {
      init: { summary: "write a signer's keys and configuration", load: () => import("./commands/signer/init.js") },
      run: { summary: "run an oracle signer", load: () => import("./commands/signer/run.js") },
      clear: {
        summary: "let a vetoed root's receipts or a stopped node go on",
        load: () => import("./commands/signer/clear.js"),
      },
    },
  },
  node: {
    summary: "earn with a node: measure, register, list, run, attest, claim",
    examples: [
      "turingfog node init --help",
      "turingfog node run --config node/node.json5",
      "turingfog node claim --network sepolia --every 86400",
    ],
    verbs: {
      benchmark: { summary: "measure GPUs and rate them", load: () => import("./commands/node/benchmark.js") },
      register: { summary: "register nodes on the chain", load: () => import("./commands/node/register.js") },
      list: { summary: "offer nodes at a price", load: () => import("./commands/node/list.js") },
      init: { summary: "make a node's folder and sign its document", load: () => import("./commands/node/init.js") },
      run: { summary: "run a node's agent", load: () => import("./commands/node/run.js") },
      attest: { summary: "have signers attest a node by its log", load: () => import("./commands/node/attest.js") },
      earnings: {
        summary: "show what nodes have delivered and earned",
        load: () => import("./commands/node/earnings.js"),
      },
      claim: { summary: "claim the TFT that nodes have earned", load: () => import("./commands/node/claim.js") },
    },
  },
  order: {
    summary: "rent: open an order, send its job, watch it and fetch its result",
    examples: [
      "turingfog order quote --network sepolia --tu 0.5 --hours 24",
      "turingfog order open --help",
      "turingfog order status ORDER --watch",
    ],
    verbs: {
      quote: { summary: "say what it would cost", load: () => import("./commands/order/quote.js") },
      open: { summary: "seal a job and open an order of it", load: () => import("./commands/order/open.js") },
      pay: { summary: "have a card gateway open it, without a wallet", load: () => import("./commands/order/pay.js") },
      send: { summary: "hand the job to the node", load: () => import("./commands/order/send.js") },
      status: { summary: "show what chain and node say of it", load: () => import("./commands/order/status.js") },
      log: { summary: "follow the node's progress", load: () => import("./commands/order/log.js") },
      result: { summary: "fetch and decrypt the result", load: () => import("./commands/order/result.js") },
      acknowledge: {
        summary: "acknowledge what was delivered",
        load: () => import("./commands/order/acknowledge.js"),
      },
      stop: { summary: "end it now", load: () => import("./commands/order/stop.js") },
      close: { summary: "have the rest of its deposit refunded", load: () => import("./commands/order/close.js") },
      transfer: { summary: "hand it over to another account", load: () => import("./commands/order/transfer.js") },
      list: { summary: "list an account's orders", load: () => import("./commands/order/list.js") },
    },
  },
  gateway: {
    summary: "sell orders to those who pay by card, as a gateway",
    examples: [
      "turingfog gateway init --help",
      "turingfog gateway run --config gateway/gateway.json5",
      "turingfog gateway report --config gateway/gateway.json5",
    ],
    verbs: {
      init: { summary: "write a gateway's key and configuration", load: () => import("./commands/gateway/init.js") },
      run: { summary: "run a card gateway", load: () => import("./commands/gateway/run.js") },
      report: {
        summary: "compare store, Stripe and chain",
        load: () => import("./commands/gateway/report.js"),
      },
    },
  },
  receipts: {
    summary: "check what the oracle's signers have published",
    examples: ["turingfog receipts verify receipts.json --network sepolia"],
    verbs: {
      verify: { summary: "check a file of receipts", load: () => import("./commands/receipts/verify.js") },
    },
  },
  relay: {
    summary: "hand requests on to nodes without an open port, as a relay",
    examples: ["turingfog relay init --help", "turingfog relay run --config relay/relay.json5"],
    verbs: {
      init: { summary: "write a relay's configuration", load: () => import("./commands/relay/init.js") },
      run: { summary: "run a relay", load: () => import("./commands/relay/run.js") },
    },
  },
  watch: {
    summary: "check every pending root, raise alarms and veto, as a watch",
    examples: ["turingfog watch init --help", "turingfog watch run --config watch/watch.json5 --veto"],
    verbs: {
      init: { summary: "write a watch's configuration", load: () => import("./commands/watch/init.js") },
      run: { summary: "run a watch", load: () => import("./commands/watch/run.js") },
      test: { summary: "post a test alarm to each webhook", load: () => import("./commands/watch/test.js") },
    },
  },
  train: {
    summary: "train a model together, and recompute what was trained",
    examples: [
      "turingfog train init run --data mnist --model model.json",
      "turingfog train run run",
      "turingfog train verify run --round 3",
    ],
    verbs: {
      init: { summary: "begin a run from data and a model", load: () => import("./commands/train/init.js") },
      run: { summary: "train the rounds that are left", load: () => import("./commands/train/run.js") },
      status: { summary: "show accuracy and loss of all rounds", load: () => import("./commands/train/status.js") },
      eval: { summary: "measure weights on unseen data", load: () => import("./commands/train/eval.js") },
      export: { summary: "write the model as ONNX or safetensors", load: () => import("./commands/train/export.js") },
      verify: { summary: "recompute rounds from their claims", load: () => import("./commands/train/verify.js") },
    },
  },
  simulate: {
    summary: "live the economy for years by the rules of the protocol",
    examples: ["turingfog simulate run --runs 20 --shock crash@400", "turingfog simulate claims"],
    verbs: {
      run: { summary: "live one economy, or many", load: () => import("./commands/simulate/run.js") },
      claims: {
        summary: "measure every claim of docs/mechanism.md",
        load: () => import("./commands/simulate/claims.js"),
      },
    },
  },
  tu: {
    summary: "rate GPUs in TU per day, and attest ratings and nodes",
    examples: [
      "turingfog tu doctor",
      "turingfog tu rate LOGS",
      "turingfog tu attest LOGS --sign-only --network sepolia",
    ],
    verbs: {
      doctor: {
        summary: "look at this machine and say how to rate its cards",
        load: () => import("./commands/tu/doctor.js"),
      },
      rate: { summary: "rate a GPU by its benchmark logs", load: () => import("./commands/tu/rate.js") },
      attest: {
        summary: "sign and submit a rating, or a node's attestation",
        load: () => import("./commands/tu/attest.js"),
      },
      survey: {
        summary: "read a folder of logs and count what became of them",
        load: () => import("./commands/tu/survey.js"),
      },
    },
  },
  completion: {
    summary: "complete commands and options in a shell",
    examples: [
      'eval "$(turingfog completion bash)"',
      "turingfog completion fish > ~/.config/fish/completions/turingfog.fish",
    ],
    verbs: {
      bash: { summary: "print the script for bash", load: () => import("./commands/completion/bash.js") },
      zsh: { summary: "print the script for zsh", load: () => import("./commands/completion/zsh.js") },
      fish: { summary: "print the script for fish", load: () => import("./commands/completion/fish.js") },
      words: {
        summary: "print what may come next, for the scripts",
        load: async () => ({ command: (await import("./commands/completion/words.js")).wordsCommand(program) }),
      },
    },
  },
};

/** Commands of one word: `turingfog WORD` is the file commands/WORD.ts. */
export const WORDS: Record<string, Verb> = {
  market: { summary: "list the nodes and what they offer", load: () => import("./commands/market.js") },
  claimable: {
    summary: "show what an account has earned and can claim",
    load: () => import("./commands/claimable.js"),
  },
};

const DESCRIPTION = `TuringFog's command line.

A command that reads a chain asks the node at NAME_RPC_URL, and ends with 1 if that fails or is silent for
TURINGFOG_RPC_TIMEOUT seconds (default 20). What is known of each chain is in docs/networks.md.

Ends with 0 on success, with 1 on a failure or a difference, and with 2 if it is called wrongly.`;

const EXAMPLES = [
  "turingfog deploy --help",
  "turingfog deploy plan --network localhost --parameters deploy/parameters/local.json5",
  "turingfog govern list --network sepolia --json",
];

/** Returns the whole command line, of which only the command that the first words name is loaded. */
export async function program([calledNoun, calledVerb]: readonly string[]): Promise<AnyCommand> {
  const root = newGroup({ description: DESCRIPTION, examples: EXAMPLES }).name("turingfog");
  for (const [noun, { summary, examples, verbs }] of Object.entries(NOUNS)) {
    const group = newGroup({ description: sentence(summary), examples })
      .name(noun)
      .summary(summary);
    for (const [verb, { summary: does, load }] of Object.entries(verbs)) {
      const isCalled = noun === calledNoun && verb === calledVerb;
      const command: AnyCommand = isCalled ? (await load()).command : new Command();
      group.addCommand(command.name(verb).summary(does));
    }
    root.addCommand(group);
  }
  for (const [word, { summary, load }] of Object.entries(WORDS)) {
    const command: AnyCommand = word === calledNoun ? (await load()).command : new Command();
    root.addCommand(command.name(word).summary(summary));
  }
  return root;
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}

/**
 * Runs the command that the arguments name, as ["deploy", "plan", "--network", "sepolia"], and resolves to its exit
 * code.
 * @throws UsageError, and the errors of the command
 */
export async function turingfog(args: readonly string[]): Promise<number> {
  return runCommand(await program(args), args);
}
