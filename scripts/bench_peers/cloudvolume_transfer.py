"""
Copies a precomputed volume to sharded Zarr v3: read with cloud-volume, written with zarr-python.

Threads each take one shard after another, as either library would otherwise wait for the other.
"""

import argparse
from concurrent.futures import ThreadPoolExecutor
from threading import local

import zarr
from cloudvolume import CloudVolume


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("source", help="folder of the precomputed volume")
    parser.add_argument("target", help="folder to write; must not be there yet")
    parser.add_argument("--chunk", type=int, default=64)
    parser.add_argument("--shard", type=int, nargs=3, default=(64, 512, 512), help="z y x")
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    zarr.config.set({"threading.max_workers": options.threads})
    own = local()

    def volume():
        if not hasattr(own, "volume"):
            own.volume = CloudVolume(f"file://{options.source}", progress=False, fill_missing=False)
        return own.volume

    width, height, depth = (int(side) for side in volume().shape[:3])
    first = [int(value) for value in volume().bounds.minpt]
    target = zarr.create_array(
        store=f"{options.target}/0",
        shape=(depth, height, width),
        dtype=volume().dtype,
        chunks=[options.chunk] * 3,
        shards=options.shard,
        compressors=zarr.codecs.ZstdCodec(level=3),
        fill_value=0,
    )
    deep, high, wide = options.shard
    shards = [(z, y, x) for z in range(0, depth, deep) for y in range(0, height, high) for x in range(0, width, wide)]

    def copy(shard):
        z, y, x = shard
        ends = [min(z + deep, depth), min(y + high, height), min(x + wide, width)]
        voxels = volume()[
            first[0] + x : first[0] + ends[2], first[1] + y : first[1] + ends[1], first[2] + z : first[2] + ends[0]
        ]
        target[z : ends[0], y : ends[1], x : ends[2]] = voxels[..., 0].T

    with ThreadPoolExecutor(options.threads) as pool:
        for _ in pool.map(copy, shards):
            pass


if __name__ == "__main__":
    main()
