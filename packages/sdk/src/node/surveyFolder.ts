import { readdir } from "node:fs/promises";
import path from "node:path";

import { survey, type Survey } from "../tu/survey.js";
import { readingOf } from "./files.js";
import { readLog } from "./log.js";

/** Surveys the files `*.log` and `*.txt` of a folder and of all folders in it, in the order of their paths. */
export async function surveyFolder(folder: string): Promise<Survey> {
  const entries = await readingOf(folder, readdir(folder, { recursive: true, withFileTypes: true }));
  const files = entries
    .filter((entry) => entry.isFile() && /\.(?:log|txt)$/i.test(entry.name))
    .map((entry) => path.join(entry.parentPath, entry.name))
    .sort();
  return survey(files, readLog);
}
