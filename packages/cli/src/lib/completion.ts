import type { Option } from "@commander-js/extra-typings";
import { CHAINS } from "@turingfog/sdk";

import type { AnyCommand } from "./command.js";

/** A word that may come next, with what it stands for. */
export interface Candidate {
  word: string;
  summary: string;
}

/**
 * Returns the words that may stand at the end of a command line. None means that the shell knows better, as of a file.
 * @param root the whole command line, with the command that the words name loaded
 * @param words words after `turingfog`; the last is the one to complete, which may be empty
 */
export function candidates(root: AnyCommand, words: readonly string[]): Candidate[] {
  const typed = words.at(-1) ?? "";
  const [command, rest] = called(root, words.slice(0, -1));
  const next = nextWords(command, rest.at(-1) ?? "", typed);
  return next.filter(({ word }) => word.startsWith(typed));
}

/** Returns the command that the first words name, and the words after it. */
function called(command: AnyCommand, words: readonly string[]): [AnyCommand, readonly string[]] {
  const [word, ...rest] = words;
  const found = command.commands.find((each) => each.name() === word);
  return found === undefined ? [command, words] : called(found, rest);
}

function nextWords(command: AnyCommand, before: string, typed: string): Candidate[] {
  const option = command.options.find((each) => each.long === before);
  if (option !== undefined && (option.required || option.optional)) return valuesOf(option);
  const options = command.createHelp().visibleOptions(command);
  const offered = options.map(({ long, description }) => ({ word: long ?? "", summary: firstLine(description) }));
  if (typed.startsWith("-")) return offered;
  if (command.commands.length !== 0) {
    // a word that is no command leads nowhere
    if (before !== "") return [];
    return command.commands.map((each) => ({ word: each.name(), summary: each.summary() }));
  }
  const [argument] = command.registeredArguments;
  if (argument === undefined) return offered;
  return (argument.argChoices ?? []).map((word) => ({ word, summary: "" }));
}

function valuesOf({ long, argChoices }: Option): Candidate[] {
  if (long === "--network") return Object.entries(CHAINS).map(([word, { title }]) => ({ word, summary: title }));
  return (argChoices ?? []).map((word) => ({ word, summary: "" }));
}

function firstLine(text: string): string {
  return text.split("\n")[0];
}

/** Scripts that have a shell ask `turingfog completion words` for what may come next, and fall back on files. */
export const SCRIPTS = {
  bash: `_turingfog() {
  local IFS=$'\\n'
  COMPREPLY=($(turingfog completion words -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null | cut -f1))
}
complete -o default -F _turingfog turingfog`,
  zsh: `#compdef turingfog
_turingfog() {
  local line
  local -a found described
  found=("\${(@f)$(turingfog completion words -- "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
  if [[ -z "$found" ]]; then
    _files
  else
    for line in $found; do described+=("\${\${line%%$'\\t'*}//:/\\\\:}:\${line#*$'\\t'}"); done
    _describe turingfog described
  fi
}
compdef _turingfog turingfog`,
  fish: `function __turingfog_words
  set -l found (turingfog completion words -- (commandline -opc)[2..] (commandline -ct) 2>/dev/null)
  if test (count $found) -eq 0
    __fish_complete_path (commandline -ct)
  else
    printf '%s\\n' $found
  end
end
complete -c turingfog -f -a '(__turingfog_words)'`,
} as const;
