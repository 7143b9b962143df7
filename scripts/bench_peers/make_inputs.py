"""
Writes the input sets of a benchmark, in the formats that microscopes and labs keep, with programs by others.

    python make_inputs.py STACK_DIR OUT_DIR --kinds png8,tifflzw16

STACK_DIR holds uncompressed TIFF sections, as scripts/make_sample.ts writes them. Each kind becomes a
folder OUT_DIR/KIND of one file a section (`tiffpages`: one file). Bits are what the kind says: sections of
8 bits are spread to 16 as make_sample.ts spreads them, with noise from a seed in the low bits, and sections
of 16 bits are divided back. Files that are there already are left alone.
"""

import argparse
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import imagecodecs
import numpy as np
import PIL.Image
import tifffile

# Brightness to 16 bits: the factor that scripts/make_sample.ts uses.
WIDE = 181
# Strips of about 64 KiB.
STRIP_BYTES = 1 << 16


def narrow(section, _):
    return section if section.dtype == np.uint8 else (section // WIDE).clip(0, 255).astype(np.uint8)


def widen(section, z):
    if section.dtype == np.uint16:
        return section
    noise = np.random.default_rng(z).integers(0, WIDE, section.shape, np.uint16)
    return section * np.uint16(WIDE) + noise


def png(file, section):
    """libpng's own choice of filters, and zlib's default effort, as most programs write."""
    PIL.Image.fromarray(section).save(file, "PNG", compress_level=6)


def tiff(**how):
    def write(file, section):
        rows = max(1, STRIP_BYTES // section[0].nbytes)
        tifffile.imwrite(
            file, section, photometric="minisblack", rowsperstrip=rows, metadata=None, **how
        )

    return write


def jpeg(file, section):
    file.write_bytes(imagecodecs.jpeg8_encode(section, level=90))


KINDS = {
    "png8": ("png", narrow, png),
    "png16": ("png", widen, png),
    "tiffraw": ("tif", narrow, tiff()),
    "tiffraw16": ("tif", widen, tiff()),
    "tifflzw": ("tif", narrow, tiff(compression="lzw")),
    "tifflzw16": ("tif", widen, tiff(compression="lzw")),
    "tifflzwpredictor": ("tif", narrow, tiff(compression="lzw", predictor=True)),
    "tifflzwpredictor16": ("tif", widen, tiff(compression="lzw", predictor=True)),
    "tiffdeflate": ("tif", narrow, tiff(compression="zlib")),
    "tiffdeflate16": ("tif", widen, tiff(compression="zlib")),
    "jpeg": ("jpg", narrow, jpeg),
}


def write_pages(folder, sections):
    """All sections as the pages of one file."""
    file = folder / "stack.tif"
    if file.exists():
        return
    part = folder / "stack.part"
    with tifffile.TiffWriter(part) as writer:
        for section in sections:
            writer.write(narrow(tifffile.imread(section), 0), photometric="minisblack", metadata=None)
    os.replace(part, file)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("stack", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--kinds", required=True, help=f"of {','.join(KINDS)},tiffpages")
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    kinds = options.kinds.split(",")
    unknown = set(kinds) - KINDS.keys() - {"tiffpages"}
    if unknown:
        parser.error(f"no such kind: {', '.join(sorted(unknown))}")
    sections = sorted(options.stack.glob("*.tif"))
    if not sections:
        parser.error(f"no *.tif in {options.stack}")

    def convert(z):
        section = None
        for kind in kinds:
            if kind == "tiffpages":
                continue
            extension, depth, write = KINDS[kind]
            file = options.out / kind / f"{sections[z].stem}.{extension}"
            if file.exists():
                continue
            section = tifffile.imread(sections[z]) if section is None else section
            part = file.with_suffix(".part")
            write(part, depth(section, z))
            os.replace(part, file)

    for kind in kinds:
        (options.out / kind).mkdir(parents=True, exist_ok=True)
    with ThreadPoolExecutor(options.threads) as pool:
        for _ in pool.map(convert, range(len(sections))):
            pass
    if "tiffpages" in kinds:
        write_pages(options.out / "tiffpages", sections)


if __name__ == "__main__":
    main()
