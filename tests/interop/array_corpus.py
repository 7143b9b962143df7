"""
Volumes as other programs write them, for sluice to read.

    python array_corpus.py zarr-v2 | zarr-v3 | shards | tensorstore | z5 | large | ome | n5-places  FOLDER

Writes each volume into a folder of its own, the voxels it must hold as a raw file, and manifest.json. An entry: name;
format; path; voxels, the raw file: little-endian, t c z y x with x fastest; size along x, y, z, c and t; dtype; and
scale, which level they are.
"""

import sys

import numpy as np
import zarr

import _tensorstore_volumes
import _zarr_volumes
from _array_volumes import Corpus, make_voxels
from _tensorstore_volumes import open_tensorstore


def large(corpus):
    """Volumes of 200 x 150 x 65, which no chunk holds."""
    shape = (65, 150, 200)
    for dtype in ["uint8", "uint16", "float32"]:
        voxels = make_voxels(shape, dtype)
        path = corpus.place()
        array = zarr.create_array(
            path, shape=shape, chunks=(16, 32, 64), shards=(64, 64, 128), dtype=dtype, fill_value=9
        )
        array[...] = expected = np.where(np.arange(65)[:, None, None] < 16, 9, voxels).astype(dtype)
        corpus.add(f"zarr-python shards of {dtype}", "zarr", path, expected)
        path = corpus.place()
        array = zarr.create_array(
            path, shape=shape, chunks=(33, 41, 57), dtype=dtype, order="F", zarr_format=2
        )
        array[...] = voxels
        corpus.add(f"zarr-python v2 F of {dtype}", "zarr", path, voxels)
        path = corpus.place()
        metadata = {
            "dimensions": shape[::-1],
            "blockSize": [61, 47, 29],
            "dataType": dtype,
            "compression": {"type": "gzip"},
        }
        open_tensorstore("n5", path, metadata).write(voxels.T).result()
        corpus.add(f"tensorstore n5 of {dtype}", "n5", path, voxels)


PARTS = {
    "zarr-v2": _zarr_volumes.zarr_v2,
    "zarr-v3": _zarr_volumes.zarr_v3,
    "shards": _zarr_volumes.shards,
    "tensorstore": _tensorstore_volumes.with_tensorstore,
    "z5": _tensorstore_volumes.with_z5,
    "large": large,
    "ome": _zarr_volumes.ome,
    "n5-places": _tensorstore_volumes.n5_places,
}

if __name__ == "__main__":
    made = Corpus(sys.argv[2])
    PARTS[sys.argv[1]](made)
    made.save()
    print(len(made.entries))
