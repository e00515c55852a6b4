import { formatSurvey } from "@turingfog/sdk";
import { surveyFolder } from "@turingfog/sdk/node";

import { defineCommand, UsageError } from "../../lib/command.js";

const USAGE = `Reads every log of a folder and counts what became of them, so that two versions of the reader can be compared.

  turingfog tu survey FOLDER [--json]

  FOLDER   its files *.log and *.txt are read, and those of all folders in it
  --json   print JSON alone
  --help   print this`;

export const command = defineCommand({
  usage: USAGE,
  options: {},
  required: [],
  words: 1,
  async run(_values, output, [folder]) {
    if (folder === undefined) throw new UsageError("FOLDER is missing; see --help");
    const survey = await surveyFolder(folder);
    output.result({ ...survey, faults: Object.fromEntries(survey.faults) }, formatSurvey(survey));
  },
});
