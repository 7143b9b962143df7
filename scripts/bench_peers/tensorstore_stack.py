"""
Converts a stack to OME-Zarr 0.5 with tensorstore: what a careful script in Python does.

Threads read the sections of one row of shards along z into one array, which tensorstore encodes and writes
shard by shard; coarser scales are read back from the scale below through tensorstore's own mean. So memory
is a slab of full sections, one shard deep.
"""

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import tensorstore

from _options import parse, read_section, read_slab


def metadata(size, dtype, options):
    """An array's zarr.json."""
    codecs = [
        {"name": "bytes", "configuration": {"endian": "little"}},
        {"name": "zstd", "configuration": {"level": options.level}},
    ]
    if options.crc32c:
        codecs.append({"name": "crc32c"})
    if options.shard:
        sharding = {"chunk_shape": options.chunk, "codecs": codecs}
        codecs = [{"name": "sharding_indexed", "configuration": sharding}]
    return {
        "shape": size,
        "data_type": dtype.name,
        "chunk_grid": {
            "name": "regular",
            "configuration": {"chunk_shape": options.shard or options.chunk},
        },
        "codecs": codecs,
        "fill_value": 0,
        "dimension_names": ["z", "y", "x"],
    }


def create(options, scale, size, dtype, context):
    """Makes the array of one scale."""
    spec = {
        "driver": "zarr3",
        "kvstore": {"driver": "file", "path": str(Path(options.target, str(scale)))},
        "metadata": metadata(size, dtype, options),
    }
    return tensorstore.open(spec, create=True, context=context).result()


def write(array, first, slab):
    """Writes whole sections from `first` on; tensorstore works on as many shards at once as it has threads."""
    where = array[first : first + slab.shape[0]]
    where.write(slab, can_reference_source_data_indefinitely=True).result()


def main():
    options = parse(__doc__)
    context = tensorstore.Context(
        {
            "cache_pool": {"total_bytes_limit": 0},
            "data_copy_concurrency": {"limit": options.threads},
            "file_io_concurrency": {"limit": options.threads},
        }
    )
    first = read_section(options.files[0])
    size = (len(options.files), *first.shape)
    deep = (options.shard or options.chunk)[0]
    array = create(options, 0, size, first.dtype, context)
    slab = np.empty((min(deep, size[0]), *first.shape), first.dtype)
    with ThreadPoolExecutor(options.threads) as pool:
        for z in range(0, size[0], deep):
            files = options.files[z : z + deep]
            read_slab(pool, files, slab)
            write(array, z, slab[: len(files)])
    del slab

    scales, factor = [array], (1, 1, 1)
    factors = [factor]
    for step in options.pyramid:
        factor = tuple(a * b for a, b in zip(factor, step, strict=True))
        factors.append(factor)
        coarse = tensorstore.downsample(scales[-1], step, method="mean")
        below = create(options, len(scales), coarse.shape, first.dtype, context)
        for z in range(0, coarse.shape[0], deep):
            end = min(z + deep, coarse.shape[0])
            write(below, z, coarse[z:end].read().result())
        scales.append(below)

    ome = {
        "version": "0.5",
        "multiscales": [
            {
                "name": Path(options.target).name,
                "type": "mean",
                "axes": [{"name": name, "type": "space"} for name in "zyx"],
                "datasets": [
                    {
                        "path": str(scale),
                        "coordinateTransformations": [{"type": "scale", "scale": list(factor)}],
                    }
                    for scale, factor in enumerate(factors)
                ],
            }
        ],
    }
    group = {"zarr_format": 3, "node_type": "group", "attributes": {"ome": ome}}
    Path(options.target, "zarr.json").write_text(json.dumps(group))


if __name__ == "__main__":
    main()
