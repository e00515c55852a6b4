import { type AnyCommand, newCommand } from "../../lib/command.js";
import { candidates } from "../../lib/completion.js";
import { outputOf } from "../../lib/output.js";

/** @param program returns the whole command line, with the command that the words name loaded */
export const wordsCommand = (program: (words: readonly string[]) => Promise<AnyCommand>) =>
  newCommand({
    description: "Prints the words that may stand at the end of a command line, for the scripts of the shells.",
    examples: ["turingfog completion words -- deploy p"],
  })
    .argument("[WORDS...]", "words after turingfog; the last is to be completed and may be empty")
    .action(async (words, values) => {
      const found = candidates(await program(words), words);
      const lines = found.map(({ word, summary }) => `${word}\t${summary}`);
      // an empty line would be a candidate
      if (values.json || lines.length !== 0) outputOf(values).result(found, lines.join("\n"));
    });
