"""
Converts a stack to Zarr v3 with webknossos, by its Python interface.

The target is a WEBKNOSSOS dataset: arrays `color/1` and on with axes c, x, y, z, stored with z slowest as
the others store it. Reading and encoding run in `--threads` processes. `webknossos convert` does the same,
but leaves no choice of codec and factors, and gives the coarser scales chunks of its own. Sides of chunks
and shards must be powers of two. Coarser scales are its "bilinear", which at factors of two is the mean.
"""

import os
import warnings

from _options import parse


def xyz(zyx):
    return tuple(reversed(zyx))


def main():
    options = parse(__doc__)
    # It draws progress, and tells of the formats whose readers are not installed.
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    warnings.simplefilter("ignore")
    import cluster_tools
    import webknossos
    from webknossos.dataset.layer.view._array import Zarr3Config

    codecs = [
        {"name": "transpose", "configuration": {"order": [3, 2, 1, 0]}},
        {"name": "bytes", "configuration": {"endian": "little"}},
        {"name": "zstd", "configuration": {"level": options.level, "checksum": False}},
    ]
    if options.crc32c:
        codecs.append({"name": "crc32c"})
    storage = {
        "chunk_shape": xyz(options.chunk),
        "shard_shape": xyz(options.shard or options.chunk),
        "compress": Zarr3Config(codecs=codecs),
    }
    dataset = webknossos.Dataset(options.target, voxel_size=(4, 4, 40), name="stack")
    with cluster_tools.get_executor("multiprocessing", max_workers=options.threads) as executor:
        layer = dataset.add_layer_from_images(
            options.files,
            "color",
            "color",
            data_format="zarr3",
            batch_size=(options.shard or options.chunk)[0],
            executor=executor,
            **storage,
        )
        mags, total = [], (1, 1, 1)
        for step in options.pyramid:
            total = tuple(a * b for a, b in zip(total, step, strict=True))
            mags.append(webknossos.Mag(xyz(total)))
        if mags:
            layer.downsample_mag_list(
                webknossos.Mag(1), mags, interpolation_mode="bilinear", executor=executor, **storage
            )


if __name__ == "__main__":
    main()
