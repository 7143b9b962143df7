/** The list of an executable's parts, held against the CycloneDX project's own validator. */
import { equal, notEqual } from "node:assert/strict";
import { join } from "node:path";
import { listParts } from "../../scripts/_sbom.ts";
import { withFolder } from "../_stack.ts";
import { partsOfTree } from "../scripts/_parts.ts";
import { python, runPython } from "./_python.ts";

Deno.test({
  name: "the list of parts is strict CycloneDX 1.5, and the validator finds what is not",
  ignore: python === undefined,
  fn: () =>
    withFolder(async (folder) => {
      const path = join(folder, "parts.cdx.json");
      const text = await listParts(await partsOfTree(folder));
      await Deno.writeTextFile(path, text);
      equal(await runPython("validate_sbom.py", path), "valid");
      for (const broken of [text.replace('"MIT"', '"MITT"'), text.replace('"purl"', '"pearl"')]) {
        await Deno.writeTextFile(path, broken);
        notEqual(await runPython("validate_sbom.py", path), "valid");
      }
    }),
});
