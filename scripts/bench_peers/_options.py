"""The command line that all peers share, and how they read sections."""

import argparse
import glob
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import imagecodecs
import numpy as np
import tifffile


def shape(text):
    """Reads "32,256,256" as z, y, x."""
    sides = tuple(int(side) for side in text.split(","))
    if len(sides) != 3 or min(sides) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not three integers >= 1, z,y,x")
    return sides


def parse(description):
    """Options of one conversion."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("sections", help="glob of the section files, one section each; sorted by name")
    parser.add_argument("target", help="folder to write; must not be there yet")
    parser.add_argument("--chunk", type=shape, default=(32, 256, 256), help="z,y,x voxels of a chunk")
    parser.add_argument("--shard", type=shape, help="z,y,x voxels of a shard; without it, none")
    parser.add_argument("--level", type=int, default=1, help="zstd level")
    parser.add_argument("--crc32c", action="store_true", help="a checksum after each chunk")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument(
        "--pyramid",
        type=shape,
        nargs="*",
        default=[],
        help="z,y,x factors of each coarser scale to the one below it: --pyramid 1,2,2 2,2,2",
    )
    options = parser.parse_args()
    options.files = sorted(glob.glob(options.sections))
    if not options.files:
        parser.error(f"no file matches {options.sections!r}")
    if Path(options.target).exists():
        parser.error(f"{options.target!r} is there already")
    if options.shard and any(s % c for s, c in zip(options.shard, options.chunk, strict=True)):
        parser.error(f"a shard of {options.shard} is not whole chunks of {options.chunk}")
    return options


def read_section(file):
    """One section, y by x, by the fastest reader there is for its format."""
    if Path(file).suffix.lower() in (".tif", ".tiff"):
        return tifffile.imread(file, maxworkers=1)
    return imagecodecs.imread(file, numthreads=1)


def read_slab(pool: ThreadPoolExecutor, files, into):
    """Reads sections side by side into the planes of an array."""

    def read(z):
        np.copyto(into[z], read_section(files[z]), casting="no")

    for _ in pool.map(read, range(len(files))):
        pass
