/**
 * What an executable is made of, as a CycloneDX document.
 * @module
 */
import { Enums, Models, Serialize, SPDX, Spec } from "npm:@cyclonedx/cyclonedx-library@10.3.0";
import { createHash } from "node:crypto";
import { join } from "node:path";
import { type NpmPackage, ROOT } from "./_bundle.ts";

/** The Deno in an executable. */
export interface Runtime {
  readonly deno: string;
  readonly v8: string;
  readonly typescript: string;
  /** Such as `linux-x86_64`. */
  readonly platform: string;
  /** Of the program itself; absent where it is not a file of its own. */
  readonly sha256?: string;
}

/** What an executable is made of. */
export interface Parts {
  readonly version: string;
  readonly commit?: string;
  /** Of the executable. */
  readonly sha256: string;
  readonly runtime: Runtime;
  readonly packages: readonly NpmPackage[];
}

/**
 * Lists the parts of an executable, with their licences, and their hashes as `deno.lock` has them.
 * The same parts give the same text: there is no time in it.
 * @returns CycloneDX 1.5 in JSON.
 */
export async function listParts(parts: Parts): Promise<string> {
  const { version, commit, sha256, runtime, packages } = parts;
  const sluice = component(Enums.ComponentType.Application, "sluice", version, "Apache-2.0");
  sluice.hashes.set(Enums.HashAlgorithm["SHA-256"], sha256);
  if (commit !== undefined) sluice.properties.add(new Models.Property("sluice:commit", commit));
  const bom = new Models.Bom({
    metadata: new Models.Metadata({ component: sluice }),
    serialNumber: serialNumber(
      JSON.stringify(parts, (key, value) => key === "localPath" ? undefined : value),
    ),
  });
  const used = [
    platform(runtime),
    ...await Promise.all(packages.map(async (one) => await fromNpm(one, await integrities()))),
  ];
  for (const one of used) {
    bom.components.add(one);
    sluice.dependencies.add(one.bomRef);
  }
  const factory = new Serialize.JSON.Normalize.Factory(Spec.Spec1dot5);
  return `${new Serialize.JsonSerializer(factory).serialize(bom, { sortLists: true, space: 2 })}\n`;
}

function component(
  type: Enums.ComponentType,
  name: string,
  version: string,
  licences: string | readonly string[],
  purl?: string,
): Models.Component {
  const made = new Models.Component(type, name, { version, bomRef: `${name}@${version}`, purl });
  for (const licence of [licences].flat()) made.licenses.add(licenceOf(licence));
  return made;
}

function licenceOf(said: string) {
  if (SPDX.isSupportedSpdxId(said)) return new Models.SpdxLicense(said);
  return /\s/.test(said) ? new Models.LicenseExpression(said) : new Models.NamedLicense(said);
}

function platform({ deno, v8, typescript, platform, sha256 }: Runtime): Models.Component {
  const runtime = component(
    Enums.ComponentType.Platform,
    "deno",
    deno,
    "MIT",
    `pkg:generic/deno@${deno}?platform=${platform}`,
  );
  if (sha256 !== undefined) runtime.hashes.set(Enums.HashAlgorithm["SHA-256"], sha256);
  for (
    const part of [
      component(Enums.ComponentType.Library, "v8", v8, "BSD-3-Clause"),
      component(Enums.ComponentType.Library, "typescript", typescript, "Apache-2.0"),
    ]
  ) {
    runtime.components.add(part);
    runtime.dependencies.add(part.bomRef);
  }
  return runtime;
}

/** Of packages that say no more than in which file they stand. */
const LICENCES: Readonly<Record<string, readonly string[]>> = {
  h5wasm: ["NIST-Software", "HDF5"],
};

async function fromNpm(
  { name, version, localPath }: NpmPackage,
  integrity: Readonly<Record<string, { readonly integrity?: string }>>,
): Promise<Models.Component> {
  const { license } = JSON.parse(await Deno.readTextFile(join(localPath, "package.json")));
  const purl = `pkg:npm/${name.replace("@", "%40")}@${version}`;
  const made = component(
    Enums.ComponentType.Library,
    name,
    version,
    LICENCES[name] ?? (typeof license === "string" ? license : []),
    purl,
  );
  const [algorithm, digest] = integrity[`${name}@${version}`]?.integrity?.split("-", 2) ?? [];
  if (algorithm === "sha512") {
    made.hashes.set(Enums.HashAlgorithm["SHA-512"], Uint8Array.fromBase64(digest).toHex());
  }
  return made;
}

async function integrities(): Promise<Record<string, { integrity?: string }>> {
  return JSON.parse(await Deno.readTextFile(join(ROOT, "deno.lock"))).npm;
}

/** A UUID that follows from a text (version 8 of RFC 9562). */
function serialNumber(text: string): string {
  const hex = createHash("sha256").update(text).digest("hex");
  return `urn:uuid:${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-8${
    hex.slice(17, 20)
  }-${hex.slice(20, 32)}`;
}
