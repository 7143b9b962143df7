/**
 * The completion script of bash, which needs no bash-completion.
 * @module
 */
import { VERSION } from "../../core/version.ts";
import type { Flag } from "../command.ts";
import type { CommandTree } from "../parse.ts";
import { placesOf, type Slot, slotsOf, spellingsOf, type Values, valuesOf } from "./_places.ts";

/** Writes the script. */
export function bashCompletions(tree: CommandTree): string {
  const places = placesOf(tree);
  return `\
# Completes sluice ${VERSION} in bash. To have it in every new shell, either
#   sluice completions bash > ~/.local/share/bash-completion/completions/sluice
# where the package bash-completion is, or this line in ~/.bashrc:
#   eval "$(sluice completions bash)"

# What may follow the words of $1: the next words of a name, and flags.
_sluice_at() {
  next=() flags=() valued=()
  case $1 in
${
    places.map(({ path, next, flags }) => {
      return `    ${quote(path)})
      next=(${list(next.map(({ word }) => word))})
      flags=(${list(flags.map(({ name }) => `--${name}`))})
      valued=(${list(flags.filter(hasValue).flatMap(spellingsOf))}) ;;`;
    }).join("\n")
  }
  esac
}

# What the value of flag $2 of command $1 may be.
_sluice_value() {
  case "$1 $2" in
${
    branches(places.flatMap(({ path, flags }) =>
      flags.filter(hasValue).flatMap((flag) =>
        spellingsOf(flag).map((spelling) => ({
          pattern: quote(`${path} ${spelling}`),
          values: valuesOf(flag),
        }))
      )
    ))
  }
  esac
}

# What word $2 after the name of command $1 may be, counted from 0.
_sluice_word() {
  case "$1 $2" in
${
    branches(places.flatMap(({ path, command }) =>
      command === undefined ? [] : slotsOf(command).map((slot) => ({
        pattern: `${quote(`${path} `)}${slot.many ? `*` : slot.position}`,
        values: slot,
      }))
    ))
  }
  esac
}
${SCRIPT}`;
}

function hasValue({ value }: Flag): boolean {
  return value !== undefined;
}

/** Branches of a \`case\`: those with the same values in one, those with none left out. */
function branches(all: readonly { readonly pattern: string; readonly values: Values | Slot }[]) {
  const bodies = Map.groupBy(all, ({ values: { words, completes } }) =>
    [
      ...(words.length === 0 ? [] : [`candidates=(${list(words)})`]),
      ...(completes === undefined ? [] : [`completes=${completes}`]),
    ].join(" "));
  bodies.delete("");
  return [...bodies].map(([body, same]) =>
    `    ${same.map(({ pattern }) => pattern).join(" | ")})\n      ${body} ;;`
  ).join("\n");
}

function list(words: readonly string[]): string {
  return words.map(quote).join(" ");
}

function quote(word: string): string {
  return /^[\w:,./+-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

/** What does not depend on the tree. */
const SCRIPT = `
_sluice() {
  local LC_ALL=C IFS=$' \\t\\n'
  local words=() word rest=\${COMP_LINE:0:COMP_POINT} i
  # Bash cuts words at = and :, sluice does not: what no space parts is one word again.
  for ((i = 0; i <= COMP_CWORD; i++)); do
    word=\${COMP_WORDS[i]}
    if [[ $i == 0 || $rest == [[:space:]]* ]]; then words[\${#words[@]}]=''; fi
    while [[ $rest == [[:space:]]* ]]; do rest=\${rest#?}; done
    if [[ $i == "$COMP_CWORD" ]]; then word=$rest; fi
    words[\${#words[@]}-1]+=$word
    rest=\${rest#"$word"}
  done

  local next flags valued path= flag= ledger= given=() used= ended=
  _sluice_at ''
  for word in "\${words[@]:1:\${#words[@]}-2}"; do
    if [[ -n $flag ]]; then
      if [[ $flag == --ledger ]]; then ledger=$word; fi
      flag=
    elif [[ -z $ended && $word == -- ]]; then
      ended=1
    elif [[ -z $ended && $word == -* ]]; then
      if [[ $word == --ledger=* ]]; then ledger=\${word#*=}; fi
      used+=" \${word%%=*} "
      if [[ " \${valued[*]} " == *" $word "* ]]; then flag=$word; fi
    elif [[ \${#given[@]} == 0 && " \${next[*]} " == *" $word "* ]]; then
      path=\${path:+$path }$word
      _sluice_at "$path"
    else
      given[\${#given[@]}]=$word
    fi
  done

  local cur=\${words[\${#words[@]}-1]} candidates=() completes=
  cur=\${cur#[\\"\\']}
  if [[ -n $flag ]]; then
    _sluice_value "$path" "$flag"
  elif [[ -z $ended && $cur == --*=* ]]; then
    _sluice_value "$path" "\${cur%%=*}"
    candidates=(\${candidates[@]+"\${candidates[@]/#/\${cur%%=*}=}"})
  elif [[ -z $ended && $cur == -* ]]; then
    for word in "\${flags[@]}"; do
      if [[ $used != *" $word "* ]]; then candidates[\${#candidates[@]}]=$word; fi
    done
  else
    _sluice_word "$path" "\${#given[@]}"
    if [[ \${#given[@]} == 0 ]]; then
      candidates=(\${next[@]+"\${next[@]}"} \${candidates[@]+"\${candidates[@]}"})
    fi
  fi

  case $completes in
    file) compopt -o bashdefault -o default 2> /dev/null ;;
    folder) compopt -o dirnames 2> /dev/null ;;
    job | job-or-config)
      compopt -o filenames -o plusdirs 2> /dev/null
      if [[ $cur != *[!0-9]* ]]; then
        while IFS=$'\\t' read -r word rest; do
          candidates[\${#candidates[@]}]=$word
        done < <("$1" completions --jobs \${ledger:+"--ledger=$ledger"} < /dev/null 2> /dev/null)
      fi
      if [[ $completes == job-or-config ]]; then
        while IFS= read -r word; do
          candidates[\${#candidates[@]}]=$word
        done < <(compgen -f -X '!*.json' -- "$cur")
      fi ;;
    command)
      _sluice_at "\${given[*]}"
      candidates=(\${next[@]+"\${next[@]}"}) ;;
  esac

  # Readline replaces what follows the last of its breaks, and keeps what stands before.
  local kept=\${cur%"\${cur##*["$COMP_WORDBREAKS"]}"}
  COMPREPLY=()
  for word in \${candidates[@]+"\${candidates[@]}"}; do
    if [[ $word == "$cur"* ]]; then COMPREPLY[\${#COMPREPLY[@]}]=\${word#"$kept"}; fi
  done
  if [[ \${#COMPREPLY[@]} == 1 && \${COMPREPLY[0]} == *[:/] ]]; then
    compopt -o nospace 2> /dev/null
  fi
}

complete -o nosort -F _sluice sluice 2> /dev/null || complete -o default -F _sluice sluice
`;
