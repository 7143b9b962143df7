"""
Converts a stack to OME-Zarr 0.5 with ngff-zarr, by its Python interface.

Sections are a lazy dask array of one file a block, as its own reader of "series/*.tif" makes them, but for
the decoder: imagecodecs, which is faster than the ones it would pick. Coarser scales are its block means
(`dask_bin_shrink`). It has no checksum of a chunk.
"""

import os

from _options import parse, read_section

if __name__ == "__main__":
    options = parse(__doc__)
    # Read when its Rust part is loaded.
    os.environ["RAYON_NUM_THREADS"] = str(options.threads)

    import dask
    import dask.array
    import ngff_zarr
    from ngff_zarr.codecs import codec_from_name

    dask.config.set(scheduler="threads", num_workers=options.threads)
    first = read_section(options.files[0])
    read = dask.delayed(read_section, pure=True)
    stack = dask.array.stack(
        [dask.array.from_delayed(read(file), first.shape, first.dtype) for file in options.files]
    )
    image = ngff_zarr.to_ngff_image(stack, dims=["z", "y", "x"])
    names = ("z", "y", "x")
    factors, total = [], (1, 1, 1)
    for step in options.pyramid:
        total = tuple(a * b for a, b in zip(total, step, strict=True))
        factors.append(dict(zip(names, total, strict=True)))
    multiscales = ngff_zarr.to_multiscales(
        image,
        scale_factors=factors,
        method=ngff_zarr.Methods.DASK_BIN_SHRINK,
        chunks=dict(zip(names, options.chunk, strict=True)),
    )
    per_shard = None
    if options.shard:
        per_shard = tuple(s // c for s, c in zip(options.shard, options.chunk, strict=True))
    ngff_zarr.to_ngff_zarr(
        options.target,
        multiscales,
        version="0.5",
        chunks_per_shard=per_shard,
        compressors=[codec_from_name("zstd", options.level)],
    )
