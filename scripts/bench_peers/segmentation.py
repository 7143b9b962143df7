"""
Codes chunks of labels with the package compressed-segmentation, which cloud-volume uses, and prints how fast.

    python segmentation.py FOLDER SECONDS

FOLDER/manifest.json lists kinds of labels: name, dtype, size, count and a file of so many chunks of that size, x
fastest. Prints a JSON list: name, megabytes (10^6) of voxels a second either way, and the bytes of the chunks.
"""

import json
import pathlib
import sys
import time

import compressed_segmentation as cseg
import numpy as np


def rate(work, size, seconds):
    """Megabytes a second of the fastest run."""
    times = []
    begun = time.perf_counter()
    while len(times) < 3 or time.perf_counter() - begun < seconds:
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return size / min(times) / 1e6


def measure(folder, seconds, kind):
    size = tuple(kind["size"])
    data = np.fromfile(folder / kind["file"], kind["dtype"]).reshape(*size, kind["count"], order="F")
    chunks = [data[..., i].copy("F") for i in range(kind["count"])]
    packed = [cseg.compress(chunk, order="F") for chunk in chunks]

    def encode():
        for chunk in chunks:
            cseg.compress(chunk, order="F")

    def decode():
        for stored in packed:
            cseg.decompress(stored, size, data.dtype, order="F")

    return {
        "name": kind["name"],
        "encode": rate(encode, data.nbytes, seconds),
        "decode": rate(decode, data.nbytes, seconds),
        "bytes": sum(map(len, packed)),
    }


folder = pathlib.Path(sys.argv[1])
kinds = json.loads((folder / "manifest.json").read_text())
print(json.dumps([measure(folder, float(sys.argv[2]), kind) for kind in kinds]))
