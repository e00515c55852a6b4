import { newCommand } from "../../lib/command.js";
import { outputOf } from "../../lib/output.js";
import { SCRIPTS } from "../../lib/completion.js";

export const command = newCommand({
  description: "Prints the script that completes commands, options and chains in fish.",
  examples: ["turingfog completion fish > ~/.config/fish/completions/turingfog.fish"],
}).action((values) => outputOf(values).result({ script: SCRIPTS.fish }, SCRIPTS.fish));
