import { newCommand } from "../../lib/command.js";
import { outputOf } from "../../lib/output.js";
import { SCRIPTS } from "../../lib/completion.js";

export const command = newCommand({
  description: "Prints the script that completes commands, options and chains in bash.",
  examples: ['eval "$(turingfog completion bash)"'],
}).action((values) => outputOf(values).result({ script: SCRIPTS.bash }, SCRIPTS.bash));
