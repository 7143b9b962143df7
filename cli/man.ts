/**
 * Manual pages, made from the command tree: roff with the macros of man(7).
 * @module
 */
import { VERSION } from "../core/version.ts";
import { type Argument, type Command, EXIT, type Flag } from "./command.ts";
import { ABOUT, explain, groupFlags, spell, usagesOf, wordsOf, wrap } from "./help.ts";
import { type Entry, ENVIRONMENT, EXIT_STATUS, FILES } from "./manual.ts";
import type { CommandTree } from "./parse.ts";

const COLUMNS = 80;

/** The name of a page: `sluice-ingest`, or `sluice` where no command is given. */
export function manualName(command?: Command): string {
  return ["sluice", ...command?.name.split(" ") ?? []].join("-");
}

/** The page of a command, or of sluice as a whole. */
export function manualPage(tree: CommandTree, command?: Command): string {
  const page = command === undefined ? treePage(tree) : commandPage(command, tree);
  return `${
    [
      macro("TH", manualName(command).toUpperCase(), "1", "", `sluice ${VERSION}`, "sluice manual"),
      ...page,
      ...section("Exit status", exitStatus()),
      ...section("Environment", ENVIRONMENT.flatMap((entry) => item(entry, "B"))),
      ...section("Files", FILES.flatMap((entry) => item(entry, "I"))),
      ...seeAlso(tree, command),
    ].join("\n")
  }\n`;
}

function treePage(tree: CommandTree): string[] {
  return [
    ...section("Name", [text(`${manualName()} - stacks of images into volumes, and back`)]),
    ...section("Synopsis", [`${bold("sluice")} ${italic("COMMAND")} ...`]),
    ...section("Description", [text(ABOUT)]),
    ...section("Commands", [
      ...tree.commands.flatMap((command) => [
        ".TP",
        macro("BR", manualName(command), "(1)"),
        text(`${command.summary}.`),
      ]),
      macro("SS", "In place of other programs, with their own flags"),
      ...tree.programs.flatMap(({ name, summary }) => [
        ".TP",
        bold(`sluice ${name}`),
        text(`${summary}.`),
      ]),
    ]),
    ...flagSections(tree.everywhere),
    ...examples(tree.commands[0]),
  ];
}

function commandPage(command: Command, tree: CommandTree): string[] {
  const { name, summary, details = [], flags } = command;
  const synopses = usagesOf(command).map(([, ...words]) =>
    [bold(`sluice ${name}`), ...words.map(italic), `[${italic("FLAGS")}]`].join(" ")
  );
  return [
    ...section("Name", [
      text(`${manualName(command)} - ${summary[0].toLowerCase()}${summary.slice(1)}`),
    ]),
    ...section("Synopsis", synopses.flatMap((line, at) => at === 0 ? [line] : [".br", line])),
    ...section("Description", paragraphs([`${summary}.`, ...details])),
    ...section("Arguments", wordsOf(command).flatMap(argumentItem)),
    ...flagSections([...flags, ...tree.everywhere]),
    ...examples(command),
  ];
}

function argumentItem(argument: Argument): string[] {
  return [".TP", italic(argument.name.toUpperCase()), text(sentence(explain(argument)))];
}

/** Flags by group, under the headings of the help; those without a group stand first. */
function flagSections(flags: readonly Flag[]): string[] {
  return section(
    "Flags",
    [...groupFlags(flags)].flatMap(([group, members]) => [
      ...(group === "Flags" ? [] : [macro("SS", group)]),
      ...members.flatMap((flag) => [
        ".TP",
        spell(flag, { bold, italic }),
        text(sentence(explain(flag))),
      ]),
    ]),
  );
}

function examples({ examples }: Command): string[] {
  return section(
    "Examples",
    examples.flatMap(({ line, what }, at) => [
      ...(at === 0 ? [] : [".PP"]),
      text(`${what}:`),
      ".PP",
      ".RS 4",
      ".nf",
      bold(line),
      ".fi",
      ".RE",
    ]),
  );
}

function exitStatus(): string[] {
  return Object.entries(EXIT).flatMap(([name, code]) =>
    item({ name: String(code), help: EXIT_STATUS[name as keyof typeof EXIT] }, "B")
  );
}

function seeAlso({ commands }: CommandTree, command: Command | undefined): string[] {
  const others = [
    ...(command === undefined ? [] : [undefined]),
    ...commands.filter((other) => other !== command),
  ];
  return section(
    "See also",
    others.map((other, at) =>
      macro("BR", manualName(other), at === others.length - 1 ? "(1)" : "(1),")
    ),
  );
}

function section(title: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : [macro("SH", title.toUpperCase()), ...lines];
}

function paragraphs(texts: readonly string[]): string[] {
  return texts.flatMap((one, at) => at === 0 ? [text(one)] : [".PP", text(one)]);
}

function item({ name, help }: Entry, font: "B" | "I"): string[] {
  return [".TP", macro(font, name), text(help)];
}

/** With a full stop last, and a capital first unless it begins with something to be typed. */
function sentence(words: string): string {
  const start = words.replace(/^[a-z](?=[a-z]*[ ,;.])/, (letter) => letter.toUpperCase());
  return `${start}${words.endsWith(".") ? "" : "."}`;
}

/** Lines of text, none of which is taken for a request. */
function text(line: string): string {
  return wrap(escape(line), COLUMNS).join("\n").replace(/^(?=[.'])/gm, "\\&");
}

function macro(name: string, ...words: readonly string[]): string {
  return [
    `.${name}`,
    ...words.map((word) => /^[\w().,-]+$/.test(word) ? escape(word) : quote(word)),
  ]
    .join(" ");
}

function quote(word: string): string {
  return `"${escape(word)}"`;
}

function bold(word: string): string {
  return `\\fB${escape(word)}\\fR`;
}

function italic(word: string): string {
  return `\\fI${escape(word)}\\fR`;
}

const ESCAPES: Readonly<Record<string, string>> = {
  "\\": "\\e",
  "-": "\\-",
  "'": "\\(aq",
  "`": "\\(ga",
  "^": "\\(ha",
  "~": "\\(ti",
  '"': "\\(dq",
  "…": "...",
};

/** Text that comes out as it is, and can be copied into a shell. */
function escape(word: string): string {
  return word.replace(
    /[\\\-'`^~"…]|[^\0-\x7f]/gu,
    (character) =>
      ESCAPES[character] ??
        `\\[u${character.codePointAt(0)!.toString(16).toUpperCase().padStart(4, "0")}]`,
  );
}
