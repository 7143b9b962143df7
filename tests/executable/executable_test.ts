/** The executable of `deno task compile --self-unpacking`, which is a shell script and so not for Windows. */
if (Deno.build.os !== "windows") {
  await import("./_unpack.ts");
  await import("./_cache.ts");
  await import("./_run.ts");
}
