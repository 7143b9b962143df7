/** Files of settings, as Python's configparser reads them. */

/** Sections as it reads them: names of sections by letter case, those of settings without. */
export function parseIni(text: string): Map<string, Map<string, string>> {
  const sections = new Map<string, Map<string, string>>();
  let section: Map<string, string> | undefined;
  for (const line of text.replace(/^\ufeff/, "").split(/\r?\n/)) {
    const header = /^\[([^\]]+)\]/.exec(line)?.[1];
    // Lines that are set in belong to the setting above them.
    const setting = /^([^\s#;=:][^=:]*?)\s*[=:]\s*(.*?)\s*$/.exec(line);
    if (header !== undefined) {
      section = sections.get(header) ?? new Map();
      sections.set(header, section);
    } else if (setting !== null) {
      section?.set(setting[1].toLowerCase(), setting[2].replaceAll("%%", "%"));
    }
  }
  return sections;
}
