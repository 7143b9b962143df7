/**
 * The completion script of fish, with descriptions.
 * @module
 */
import { VERSION } from "../../core/version.ts";
import type { Flag } from "../command.ts";
import type { CommandTree } from "../parse.ts";
import {
  isJob,
  type Place,
  placesOf,
  slotsOf,
  spellingsOf,
  type Values,
  valuesOf,
} from "./_places.ts";

/** Writes the script. */
export function fishCompletions(tree: CommandTree): string {
  const places = placesOf(tree);
  const words = places.flatMap(({ path, next }) =>
    next.map(({ word, summary }) => ({ name: path === "" ? word : `${path} ${word}`, summary }))
  );
  const valued = places.flatMap(({ path, flags }) =>
    flags.filter(({ value }) => value !== undefined)
      .flatMap(spellingsOf).map((spelling) => quote(`${path} ${spelling}`))
  );
  return `\
# Completes sluice ${VERSION} in fish. To have it in every new shell:
#   sluice completions fish > ~/.config/fish/completions/sluice.fish

# Every name of a command and every beginning of one, and what they are for.
set -g __sluice_names ${list(words.map(({ name }) => name))}
set -g __sluice_summaries ${list(words.map(({ summary }) => summary))}
# Flags that have a value, behind the command they belong to.
set -g __sluice_valued ${valued.join(" ")}
${HELPERS}
complete -c sluice -e
complete -c sluice -f
${places.flatMap(lines).join("\n")}
`;
}

/** What completes one place. */
function lines({ path, next, flags, command }: Place): string[] {
  return [
    ...next.map(({ word, summary }) =>
      `complete -c sluice -n ${quote(`__sluice_word ${quote(path)} 0`)} -a ${word} -d ${
        quote(summary)
      }`
    ),
    ...flags.map((flag) =>
      `complete -c sluice -n ${
        quote(`__sluice_flag ${quote(path)} ${spellingsOf(flag).join(" ")}`)
      } ${flagOptions(flag)} -d ${quote(flag.help)}`
    ),
    ...(command === undefined ? [] : slotsOf(command)).map(({ position, many, ...values }) =>
      `complete -c sluice -n ${
        quote(`__sluice_word ${quote(path)} ${position}${many ? "+" : ""}`)
      } ${valueOptions(values)}`
    ),
  ];
}

function flagOptions(flag: Flag): string {
  const spelled = [
    ...(flag.short === undefined ? [] : [`-s ${flag.short}`]),
    `-l ${flag.name}`,
  ].join(" ");
  if (flag.value === undefined) return spelled;
  const values = valuesOf(flag);
  return `${spelled} -r ${valueOptions(values)}`;
}

/** What is offered, and whether files are. */
function valueOptions({ words, completes }: Values): string {
  const offered = [
    ...words.map(quote),
    ...(isJob(completes) ? ["(__sluice_jobs)"] : []),
    ...(completes === "job-or-config" ? ["(__sluice_configs)"] : []),
    ...(completes === "folder" || isJob(completes)
      ? ["(__fish_complete_directories (__sluice_value))"]
      : []),
    ...(completes === "command" ? ["(__sluice_next)"] : []),
  ];
  const files = completes === "file" ? "-F" : "-f";
  const keep = isJob(completes) ? " -k" : "";
  return `${files}${keep}${offered.length === 0 ? "" : ` -a ${quote(offered.join(" "))}`}`;
}

function list(words: readonly string[]): string {
  return words.map(quote).join(" ");
}

function quote(text: string): string {
  return /^[\w.,:/+-]+$/.test(text)
    ? text
    : `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
}

/** What does not depend on the tree. */
const HELPERS = `
# Reads the words before the cursor: the command, the words after its name, its flags, and one that waits for a value.
function __sluice_read
    set -g __sluice_path ''
    set -g __sluice_given
    set -g __sluice_flags
    set -g __sluice_pending ''
    set -l ended ''
    set -l words (commandline -opc)
    for word in $words[2..-1]
        if test -n "$__sluice_pending"
            set __sluice_pending ''
        else if test -z "$ended"; and test "$word" = --
            set ended 1
        else if test -z "$ended"; and string match -q -- '-*' $word
            set -a __sluice_flags (string replace -r '=.*' '' -- $word)
            contains -- "$__sluice_path $word" $__sluice_valued; and set __sluice_pending $word
        else if test (count $__sluice_given) = 0
            and contains -- (string trim -- "$__sluice_path $word") $__sluice_names
            set __sluice_path (string trim -- "$__sluice_path $word")
        else
            set -a __sluice_given $word
        end
    end
end

# Whether word $argv[2] after the name of command $argv[1] is next; 3+ is the fourth or a later one.
function __sluice_word
    __sluice_read
    test "$__sluice_path" = "$argv[1]"; or return
    set -l count (count $__sluice_given)
    set -l position (string replace + '' -- $argv[2])
    test $count = $position -o $count -gt $position -a $argv[2] != $position
end

# Whether a flag of command $argv[1], by any of its spellings, may be next or have its value next: not where it is twice.
function __sluice_flag
    __sluice_read
    test "$__sluice_path" = "$argv[1]"; or return
    for spelling in $argv[2..-1]
        contains -- $spelling $__sluice_flags; or continue
        test $spelling = "$__sluice_pending"
        return
    end
end

# What is typed of the value of a flag, or of a word.
function __sluice_value
    string replace -r '^--[^=]*=' '' -- (commandline -ct)
end

# The words that lead on from those given, as names of commands.
function __sluice_next
    for at in (seq (count $__sluice_names))
        set -l words (string split ' ' -- $__sluice_names[$at])
        set -l last $words[-1]
        set -e words[-1]
        test "$words" = "$__sluice_given"; and printf '%s\\t%s\\n' $last $__sluice_summaries[$at]
    end
end

# Configurations of the Boss.
function __sluice_configs
    set -l start (__sluice_value)
    for path in $start*.json
        test -f $path; and printf '%s\\tconfiguration of the Boss\n' $path
    end
end

# Jobs by number, where one is being typed.
function __sluice_jobs
    string match -qr '^[0-9]*$' -- (commandline -ct); or return
    set -l words (commandline -opc)
    type -q $words[1]; or return
    set -l ledger (string match -r -- '--ledger[= ]\\S+' "$words" | string replace ' ' =)
    $words[1] completions --jobs $ledger[1] < /dev/null 2> /dev/null
end
`;
