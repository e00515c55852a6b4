import { formatSurvey } from "@turingfog/sdk";
import { surveyFolder } from "@turingfog/sdk/node";

import { newCommand } from "../../lib/command.js";
import { type Output, outputOf } from "../../lib/output.js";

export const command = newCommand({
  description:
    "Reads every log of a folder and counts what became of them, so that two versions of the reader can be compared.",
  examples: ["turingfog tu survey LOGS"],
})
  .argument("<FOLDER>", "its files *.log and *.txt are read, and those of all folders in it")
  .action((folder, values) => survey(folder, outputOf(values)));

async function survey(folder: string, output: Output): Promise<void> {
  const found = await surveyFolder(folder);
  output.result({ ...found, faults: Object.fromEntries(found.faults) }, formatSurvey(found));
}
