/**
 * The completion script of zsh: `_arguments` for every command, with descriptions.
 * @module
 */
import { VERSION } from "../../core/version.ts";
import type { Flag } from "../command.ts";
import type { CommandTree } from "../parse.ts";
import {
  type Place,
  placesOf,
  slotsOf,
  spellingsOf,
  takesJobs,
  type Values,
  valuesOf,
} from "./_places.ts";

/** Writes the script. */
export function zshCompletions(tree: CommandTree): string {
  const places = placesOf(tree);
  return `\
#compdef sluice
# Completes sluice ${VERSION} in zsh. To have it in every new shell:
#   sluice completions zsh > ~/.zfunc/_sluice
# with ~/.zfunc in fpath before compinit in ~/.zshrc:
#   fpath=(~/.zfunc $fpath); autoload -Uz compinit; compinit
# or, after compinit in ~/.zshrc:
#   eval "$(sluice completions zsh)"

# The words that lead on from $1, the beginning of the name of a command.
_sluice_next() {
  local -a names
  case $1 in
${
    places.filter(({ next }) => next.length > 0).map(({ path, next }) =>
      `    ${quote(path)})
      names=(
${
        next.map(({ word, summary }) =>
          `        ${quote(`${escape(word, ":")}:${escape(summary, "")}`)}`
        ).join(
          "\n",
        )
      }
      ) ;;`
    ).join("\n")
  }
  esac
  _describe -t commands command names
}
${takesJobs(tree) ? JOBS : ""}${HELPERS}
_sluice() {
  local curcontext=$curcontext context state line place= program=\${(Q)words[1]} ret=1
  local -A opt_args
  while true; do
    state=
    case $place in
${places.map(branch).join("\n")}
    esac
    case $state in
      next) _sluice_next "$place" && ret=0 ;;
      rest)
        place=\${place:+$place }$words[1]
        continue ;;
    esac
    return ret
  done
}

if [[ $funcstack[1] == _sluice ]]; then
  _sluice "$@"
else
  compdef _sluice sluice
fi
`;
}

/** Flags and words of one place. */
function branch({ path, next, flags, command }: Place): string {
  const specs = [
    ...flags.flatMap(flagSpecs),
    ...(next.length === 0 ? wordSpecs(command) : ["'(-): :->next'", `'(-)*:: :->rest'`]),
  ];
  return `      ${quote(path)})
        _arguments -s -S -C \\
${specs.map((spec) => `          ${spec}`).join(" \\\n")} && ret=0 ;;`;
}

/** One flag, by each of its spellings; either stands for both. */
function flagSpecs(flag: Flag): string[] {
  const spellings = spellingsOf(flag);
  const others = spellings.length > 1 ? `(${spellings.join(" ")})` : "";
  const help = `[${escape(flag.help, "[]")}]`;
  const value = flag.value === undefined
    ? ""
    : `:${escape(flag.value, ":")}:${escape(actionOf(valuesOf(flag)), ":")}`;
  return spellings.map((spelling) => {
    const inline = flag.value === undefined ? "" : spelling.startsWith("--") ? "=" : "+";
    return quote(`${others}${spelling}${inline}${help}${value}`);
  });
}

function wordSpecs(command: Place["command"]): string[] {
  if (command === undefined) return [];
  return slotsOf(command).map(({ position, many, help, ...values }) =>
    quote(`${many ? "*" : position + 1}:${escape(help, ":")}:${escape(actionOf(values), ":")}`)
  );
}

/** What completes a value; a space says that nothing does, and shows what it is. */
function actionOf({ words, completes }: Values): string {
  // A space before it keeps _arguments from adding words of its own.
  if (words.some((word) => /[:/]$/.test(word))) return ` _sluice_address ${words.join(" ")}`;
  if (words.length > 0) return `(${words.map((word) => escape(word, " ()'\"")).join(" ")})`;
  switch (completes) {
    case "file":
      return "_files";
    case "folder":
      return "_files -/";
    case "job":
      return "_sluice_job";
    case "job-or-config":
      return "_sluice_job_or_config";
    case "command":
      return "_sluice_command";
    case undefined:
      return " ";
  }
}

/** Puts a backslash before some characters, and before backslashes. */
function escape(text: string, characters: string): string {
  return text.replace(
    /./gs,
    (character) =>
      character === "\\" || characters.includes(character) ? `\\${character}` : character,
  );
}

function quote(text: string): string {
  return /^[\w./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

const JOBS = `
# The number of a job, or the path of its volume.
_sluice_job() {
  local -a lines
  local ret=1
  if [[ $PREFIX != *[^0-9]* ]]; then
    lines=(\${(f)"$("$program" completions --jobs \${opt_args[--ledger]:+"--ledger=\${(Q)opt_args[--ledger]}"} < /dev/null 2> /dev/null)"})
    lines=(\${lines/$'\\t'/:})
    _describe -V -t jobs job lines && ret=0
  fi
  _files -/ && ret=0
  return ret
}

# The same, or a configuration of the Boss.
_sluice_job_or_config() {
  local ret=1
  _sluice_job && ret=0
  _path_files -g '*.json(-.)' && ret=0
  return ret
}
`;

const HELPERS = `
# An address: one of these beginnings, and the path of a file.
_sluice_address() {
  local beginning
  for beginning; do
    if compset -P "$beginning"; then
      [[ $beginning == *// ]] || _files
      return
    fi
  done
  compadd -S '' -- "$@"
}

# The name of a command, word by word.
_sluice_command() {
  local -a before
  before=(\${words[2,CURRENT-1]:#-*})
  _sluice_next "\${before[*]}"
}
`;
