"""Writes tests/codecs/_jpeg_files.ts: small JPEGs, made with Pillow.

Run it from the root of the tree: python tests/interop/jpeg_files.py
"""

import base64
import io

import numpy
from PIL import Image

WIDTH, HEIGHT = 33, 19


def pixels(samples):
    y, x = numpy.mgrid[:HEIGHT, :WIDTH]
    if samples == 1:
        return (4 * x + 5 * y).astype("uint8")
    return numpy.stack([6 * x, 10 * y, 230 - 3 * x - 4 * y], axis=-1).astype("uint8")


def jpeg(samples, **options):
    held = io.BytesIO()
    Image.fromarray(pixels(samples)).save(held, "JPEG", quality=92, **options)
    text = base64.b64encode(held.getvalue()).decode()
    return " +\n".join(f'    "{text[at:at + 88]}"' for at in range(0, len(text), 88))


FILES = {
    "grey": jpeg(1),
    "greyProgressive": jpeg(1, progressive=True),
    "colour": jpeg(3, subsampling=0),
    "colourProgressive": jpeg(3, progressive=True, subsampling=2),
}

with open("tests/codecs/_jpeg_files.ts", "w") as out:
    out.write("// deno-fmt-ignore-file\n")
    out.write("/** JPEGs of 33 x 19 pixels, written by tests/interop/jpeg_files.py. */\n")
    out.write("export const JPEG_FILES = {\n")
    for name, text in FILES.items():
        out.write(f"  {name}: Uint8Array.fromBase64(\n{text},\n  ),\n")
    out.write("} as const;\n\n")
    out.write("/** What was drawn: the JPEGs come within a few grey levels of it. */\n")
    out.write("export function drawn(samples: number): Uint8Array {\n")
    out.write("  return Uint8Array.from({ length: 33 * 19 * samples }, (_, i) => {\n")
    out.write("    const pixel = Math.floor(i / samples);\n")
    out.write("    const [x, y] = [pixel % 33, Math.floor(pixel / 33)];\n")
    out.write("    if (samples === 1) return 4 * x + 5 * y;\n")
    out.write("    return [6 * x, 10 * y, 230 - 3 * x - 4 * y][i % 3];\n")
    out.write("  });\n}\n")
