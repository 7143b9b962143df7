"""
Copies a precomputed volume to sharded OME-Zarr's Zarr v3 with tensorstore: what a careful script in Python does.

Threads each copy one row of shards after another; tensorstore works within two threads of its own.
"""

import argparse
from concurrent.futures import ThreadPoolExecutor

import tensorstore


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("source", help="folder of the precomputed volume")
    parser.add_argument("target", help="folder to write; must not be there yet")
    parser.add_argument("--chunk", type=int, default=64)
    parser.add_argument("--shard", type=int, nargs=3, default=(64, 512, 512), help="z y x")
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    context = tensorstore.Context(
        {
            "data_copy_concurrency": {"limit": options.threads},
            "file_io_concurrency": {"limit": options.threads},
            "cache_pool": {"total_bytes_limit": 0},
        }
    )
    kvstore = {"driver": "file", "path": options.source}
    source = tensorstore.open({"driver": "neuroglancer_precomputed", "kvstore": kvstore}, context=context).result()
    source = source[..., 0].T
    inner = [
        {"name": "bytes", "configuration": {"endian": "little"}},
        {"name": "zstd", "configuration": {"level": 3}},
        {"name": "crc32c"},
    ]
    target = tensorstore.open(
        {
            "driver": "zarr3",
            "kvstore": {"driver": "file", "path": f"{options.target}/0"},
            "metadata": {
                "shape": source.shape,
                "data_type": source.dtype.name,
                "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": options.shard}},
                "codecs": [
                    {
                        "name": "sharding_indexed",
                        "configuration": {"chunk_shape": [options.chunk] * 3, "codecs": inner},
                    }
                ],
                "fill_value": 0,
                "dimension_names": ["z", "y", "x"],
            },
        },
        create=True,
        context=context,
    ).result()
    depth, height, width = options.shard
    shards = [
        (slice(z, min(z + depth, source.shape[0])), slice(y, min(y + height, source.shape[1])), slice(x, min(x + width, source.shape[2])))
        for z in range(0, source.shape[0], depth)
        for y in range(0, source.shape[1], height)
        for x in range(0, source.shape[2], width)
    ]

    def copy(shard):
        target[shard].write(source[shard]).result()

    with ThreadPoolExecutor(options.threads) as pool:
        for _ in pool.map(copy, shards):
            pass


if __name__ == "__main__":
    main()
