"""
Precomputed volumes as others write them, and their voxels: `precomputed_volumes.py tensorstore|cloud-volume OUT_DIR [WHAT]`.

WHAT is a regular expression: only volumes that it tells are written.

Prints, as its last line, a JSON list: folder, dtype, size, offset, and a file with the voxels in the order c, z, y, x.
"""

import itertools
import json
import os
import re
import sys

import numpy as np
import tensorstore as ts
from cloudvolume import CloudVolume

SHARDING = [
    None,
    dict(preshift_bits=0, minishard_bits=0, shard_bits=0, hash="identity", minishard_index_encoding="raw", data_encoding="raw"),
    dict(preshift_bits=1, minishard_bits=2, shard_bits=2, hash="identity", minishard_index_encoding="gzip", data_encoding="raw"),
    dict(preshift_bits=2, minishard_bits=1, shard_bits=3, hash="murmurhash3_x86_128", minishard_index_encoding="gzip", data_encoding="gzip"),
]
SIZES = [((7, 5, 3), (4, 4, 2), (0, 0, 0)), ((100, 70, 33), (32, 16, 8), (-5, 7, 1000))]
KINDS = (
    [(dtype, "raw", 1) for dtype in ["uint8", "int8", "uint16", "int16", "uint32", "int32", "uint64", "float32"]]
    + [("uint16", "raw", 2), ("uint8", "png", 1), ("uint16", "png", 1), ("uint8", "png", 3)]
    + [("uint32", "compressed_segmentation", 1), ("uint64", "compressed_segmentation", 2)]
)


def voxels(rng, dtype, shape, encoding):
    if encoding == "compressed_segmentation":
        labels = rng.integers(1, 2**31, 40).astype(dtype) * (2**30 if dtype == "uint64" else 1)
        return labels[rng.integers(0, 40, shape)]
    if dtype == "float32":
        return rng.standard_normal(shape).astype(dtype)
    info = np.iinfo(dtype)
    return rng.integers(info.min, info.max, shape, dtype=dtype, endpoint=True)


def write(out):
    rng = np.random.default_rng(5)
    entries = []
    for (dtype, encoding, channels), (size, chunk, offset), sharding in itertools.product(KINDS, SIZES, SHARDING):
        what = f"{dtype} {encoding} {channels} {size} {sharding}"
        if not wanted.search(what):
            continue
        name = f"{len(entries):04d}"
        scale = dict(key="s0", size=size, chunk_size=chunk, resolution=[4, 4.5, 40], encoding=encoding, voxel_offset=offset)
        if encoding == "compressed_segmentation":
            scale["compressed_segmentation_block_size"] = [8, 8, 8]
        if sharding is not None:
            scale["sharding"] = {"@type": "neuroglancer_uint64_sharded_v1", **sharding}
        kind = "segmentation" if encoding == "compressed_segmentation" and channels == 1 else "image"
        store = ts.open(dict(
            driver="neuroglancer_precomputed",
            kvstore=f"file://{out}/{name}",
            multiscale_metadata=dict(type=kind, data_type=dtype, num_channels=channels),
            scale_metadata=scale,
            create=True,
        )).result()
        data = voxels(rng, dtype, (*size, channels), encoding)
        store[...] = data
        data.transpose(3, 2, 1, 0).tofile(f"{out}/{name}.raw")
        entries.append(dict(
            volume=f"{out}/{name}", voxels=f"{out}/{name}.raw", dtype=dtype, size=size, channels=channels, offset=offset,
            what=what,
        ))
    # One chunk less: what is not there is 0.
    for hole in [entry for entry in entries if entry["what"] == "uint8 raw 1 (100, 70, 33) None"]:
        os.remove(f"{hole['volume']}/s0/27-59_23-39_1008-1016")
        data = np.fromfile(hole["voxels"], np.uint8).reshape(33, 70, 100)
        data[8:16, 16:32, 32:64] = 0
        data.tofile(hole["voxels"])
    print(json.dumps(entries))


def write_by_cloud_volume(out):
    rng = np.random.default_rng(6)
    entries = []
    # Several channels it writes as raw alone in the order of the format, and 16 bits as PNG not at all.
    kinds = [kind for kind in KINDS if kind[1] == "raw"] + [("uint8", "png", 1)]
    kinds += [(dtype, "compressed_segmentation", 1) for dtype in ["uint32", "uint64"]]
    for (dtype, encoding, channels), (size, chunk, offset), way in itertools.product(kinds, SIZES, ["gzip", None, "shard"]):
        what = f"cloud-volume: {dtype} {encoding} {channels} {size} {way}"
        if way == "shard" and channels > 1 or not wanted.search(what):
            continue
        name = f"{len(entries):04d}"
        kind = "segmentation" if encoding == "compressed_segmentation" and channels == 1 else "image"
        info = CloudVolume.create_new_info(channels, kind, dtype, encoding, [4, 4.5, 40], offset, size, chunk_size=chunk)
        volume = CloudVolume(f"precomputed://file://{out}/{name}", info=info, compress=way == "gzip", progress=False)
        volume.scale["compressed_segmentation_block_size"] = [8, 8, 8]
        data = voxels(rng, dtype, (*size, channels), encoding)
        if way == "shard":
            volume.scale["sharding"] = dict(**SHARDING[2], **{"@type": "neuroglancer_uint64_sharded_v1"})
            volume.scale["sharding"] |= dict(preshift_bits=9, shard_bits=0)
            volume.commit_info()
            file, shard = volume.image.make_shard(data, volume.bounds, mip=0)
            os.makedirs(f"{out}/{name}/{volume.key}")
            with open(f"{out}/{name}/{volume.key}/{file}", "wb") as opened:
                opened.write(shard)
        else:
            volume.commit_info()
            volume[volume.bounds] = data
        data.transpose(3, 2, 1, 0).tofile(f"{out}/{name}.raw")
        entries.append(dict(
            volume=f"{out}/{name}", voxels=f"{out}/{name}.raw", dtype=dtype, size=size, channels=channels, offset=offset,
            what=what,
        ))
    print()
    print(json.dumps(entries))


wanted = re.compile(sys.argv[3] if len(sys.argv) > 3 else "")
if sys.argv[1] == "tensorstore":
    write(sys.argv[2])
else:
    write_by_cloud_volume(sys.argv[2])
