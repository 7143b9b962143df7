"""Zarr and N5 as tensorstore and z5 write them."""

import itertools
import json

import numpy as np
import tensorstore

from _array_volumes import CHUNKS, CNAMES, DTYPES, SHAPE, make_voxels


def open_tensorstore(driver, path, metadata):
    """Makes an array with tensorstore."""
    spec = {"driver": driver, "kvstore": {"driver": "file", "path": str(path)}, "metadata": metadata}
    return tensorstore.open(spec, create=True).result()


def with_tensorstore(corpus):
    """The same formats, as tensorstore writes them; its N5 as well."""
    turn = 0
    for dtype, order in itertools.product(DTYPES, "CF"):
        for compressor in [
            None,
            {"id": "zlib", "level": 6},
            {"id": "gzip", "level": 6},
            {"id": "bz2", "level": 1},
            {"id": "zstd", "level": 3},
            *({"id": "blosc", "cname": c, "clevel": 5, "shuffle": s} for c in CNAMES for s in [-1, 0, 2]),
        ]:
            turn += 1
            endian = "<>"[turn % 2] if np.dtype(dtype).itemsize > 1 else "|"
            path = corpus.place()
            metadata = {
                "shape": SHAPE,
                "chunks": CHUNKS,
                "dtype": endian + np.dtype(dtype).str[1:],
                "order": order,
                "compressor": compressor,
                "fill_value": [None, 1][turn % 2],
                "filters": None,
                "dimension_separator": "./"[turn % 2],
            }
            voxels = make_voxels(SHAPE, dtype, turn)
            voxels[:2, :3, :4] = turn % 2
            open_tensorstore("zarr", path, metadata).write(voxels).result()
            corpus.add(f"tensorstore zarr {metadata}", "zarr", path, voxels)
    for dtype, where in itertools.product(DTYPES, ["start", "end"]):
        for inner_codecs in [
            [{"name": "bytes", "configuration": {"endian": "big"}}],
            [
                {"name": "transpose", "configuration": {"order": [1, 2, 0]}},
                {"name": "bytes", "configuration": {"endian": "little"}},
                {"name": "zstd", "configuration": {"level": 3}},
                {"name": "crc32c"},
            ],
        ]:
            index = [{"name": "bytes", "configuration": {"endian": "little"}}, {"name": "crc32c"}]
            shard = {"chunk_shape": [1, 3, 2], "codecs": inner_codecs, "index_codecs": index}
            inner = {"name": "sharding_indexed", "configuration": shard | {"index_location": where}}
            around = {"chunk_shape": [2, 3, 4], "codecs": [inner], "index_codecs": index}
            nested = {"name": "sharding_indexed", "configuration": around}
            for name, codecs in [("flat", [inner]), ("nested", [nested])]:
                path = corpus.place()
                metadata = {
                    "shape": SHAPE,
                    "data_type": dtype,
                    "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": [2, 6, 8]}},
                    "codecs": codecs,
                    "fill_value": 2,
                }
                voxels = make_voxels(SHAPE, dtype)
                voxels[:1, :3, 4:] = 2
                open_tensorstore("zarr3", path, metadata).write(voxels).result()
                corpus.add(f"tensorstore {name} shards {dtype} {where}", "zarr", path, voxels)
    # Transposed before they are cut: sides that differ show an order that was mistaken.
    for order, where in itertools.product([[2, 0, 1], [1, 2, 0], [2, 1, 0]], ["start", "end"]):
        outer = [2, 6, 8]
        inner = {"chunk_shape": [outer[i] // 2 for i in order], "index_location": where}
        inner["index_codecs"] = [{"name": "bytes", "configuration": {"endian": "big"}}]
        inner["codecs"] = [
            {"name": "transpose", "configuration": {"order": [1, 2, 0]}},
            {"name": "bytes", "configuration": {"endian": "little"}},
        ]
        path = corpus.place()
        metadata = {
            "shape": SHAPE,
            "data_type": "uint16",
            "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": outer}},
            "codecs": [
                {"name": "transpose", "configuration": {"order": order}},
                {"name": "sharding_indexed", "configuration": inner},
            ],
            "fill_value": 0,
        }
        voxels = make_voxels(SHAPE, "uint16")
        open_tensorstore("zarr3", path, metadata).write(voxels).result()
        corpus.add(f"tensorstore transposed {order} shards {where}", "zarr", path, voxels)
    for dtype in DTYPES:
        for compression in [
            {"type": "raw"},
            {"type": "gzip"},
            {"type": "gzip", "useZlib": True},
            {"type": "bzip2"},
            {"type": "xz"},
            {"type": "zstd"},
            *({"type": "blosc", "cname": c, "clevel": 5, "shuffle": s} for c in CNAMES for s in [0, 1, 2]),
        ]:
            path = corpus.place()
            metadata = {
                "dimensions": SHAPE[::-1],
                "blockSize": CHUNKS[::-1],
                "dataType": dtype,
                "compression": compression,
            }
            voxels = make_voxels(SHAPE, dtype)
            voxels[:2, :3, :4] = 0
            open_tensorstore("n5", path, metadata).write(voxels.T).result()
            corpus.add(f"tensorstore n5 {dtype} {compression}", "n5", path, voxels)
    for axes in ["xy", "xyzc", "czyx", "xyczt"]:
        shape = tuple({"x": 7, "y": 5, "z": 3, "c": 2, "t": 4}[axis] for axis in axes)
        path = corpus.place()
        metadata = {
            "dimensions": shape,
            "blockSize": [max(1, side - 2) for side in shape],
            "dataType": "int16",
            "compression": {"type": "gzip"},
            "axes": list(axes),
        }
        voxels = make_voxels(shape, "int16")
        open_tensorstore("n5", path, metadata).write(voxels).result()
        corpus.add(f"tensorstore n5 {axes}", "n5", path, voxels, axes, expected={"axes": [*axes[::-1]]})


def with_z5(corpus):
    """Zarr and N5 as z5 writes them: its N5 cuts blocks off at the edge of the volume."""
    import z5py

    for kind, open_file in [("n5", z5py.N5File), ("zarr", z5py.ZarrFile)]:
        names = ["raw", "blosc", "gzip", "bzip2", "zstd"]
        names += ["xz", "lz4"] if kind == "n5" else ["zlib"]
        for dtype, compression in itertools.product(DTYPES, names):
            # z5 tells formats by the name.
            path = corpus.place().with_suffix(f".{kind}")
            file = open_file(str(path), "w")
            voxels = make_voxels(SHAPE, dtype)
            voxels[:2, :3, :4] = 0
            dataset = file.create_dataset(
                "s0", shape=SHAPE, chunks=CHUNKS, dtype=dtype, compression=compression
            )
            dataset[2:] = voxels[2:]
            dataset[:2, 3:] = voxels[:2, 3:]
            dataset[:2, :3, 4:] = voxels[:2, :3, 4:]
            corpus.add(f"z5 {kind} {dtype} {compression}", kind, path / "s0", voxels)


def n5_places(corpus):
    """The ways in which those who write N5 say where levels lie and how large their voxels are."""
    levels = [make_voxels((6, 10, 14), "uint8", seed) for seed in [1, 2]]
    levels[1] = np.ascontiguousarray(levels[1][:6, :5, :7])
    factors = [[1, 1, 1], [2, 2, 1]]
    nanometres = [{"x": 4, "y": 4, "z": 40}, {"x": 8, "y": 8, "z": 40}]
    cosem = [
        {
            "axes": ["z", "y", "x"],
            "scale": [40, 4 * f, 4 * f],
            "translate": [400, 80, 120],
            "units": ["nm"] * 3,
        }
        for f in [1, 2]
    ]
    for name, group, datasets, offsets, unit in [
        (
            "n5-viewer",
            {"pixelResolution": {"unit": "nm", "dimensions": [4, 4, 40]}, "scales": factors},
            [{}, {}],
            [[0, 0, 0], [0, 0, 0]],
            "nanometer",
        ),
        (
            "Neuroglancer",
            {
                "downsamplingFactors": factors,
                "resolution": [0.004, 0.004, 0.04],
                "units": ["um", "um", "um"],
                "axes": ["x", "y", "z"],
            },
            [{}, {}],
            [[0, 0, 0], [0, 0, 0]],
            "micrometer",
        ),
        (
            "Paintera",
            {"multiScale": True, "resolution": [4, 4, 40], "offset": [120, 80, 400]},
            [{}, {"downsamplingFactors": [2, 2, 1]}],
            [[30, 20, 10], [15, 10, 10]],
            "nanometer",
        ),
        (
            "n5-ij",
            {},
            [
                {"pixelResolution": {"unit": "nm", "dimensions": [4, 4, 40]}, "downsamplingFactors": f}
                for f in factors
            ],
            [[0, 0, 0], [0, 0, 0]],
            "nanometer",
        ),
        (
            "COSEM arrays",
            {},
            [{"transform": transform} for transform in cosem],
            [[30, 20, 10], [15, 10, 10]],
            "nanometer",
        ),
        (
            "COSEM",
            {"multiscales": [{"datasets": [{"path": f"s{i}", "transform": cosem[i]} for i in range(2)]}]},
            [{}, {}],
            [[30, 20, 10], [15, 10, 10]],
            "nanometer",
        ),
    ]:
        path = corpus.place()
        for scale, level in enumerate(levels):
            metadata = {
                "dimensions": level.shape[::-1],
                "blockSize": [8, 8, 4],
                "dataType": "uint8",
                "compression": {"type": "gzip"},
            }
            folder = path / f"s{scale}"
            open_tensorstore("n5", folder, metadata).write(level.T).result()
            # Others add to what is there.
            attributes = json.loads((folder / "attributes.json").read_text()) | datasets[scale]
            (folder / "attributes.json").write_text(json.dumps(attributes))
        (path / "attributes.json").write_text(json.dumps({"n5": "2.5.1"} | group))
        for scale, level in enumerate(levels):
            size = nanometres[scale]
            if unit == "micrometer":
                size = {axis: edge / 1000 for axis, edge in size.items()}
            expected = {"voxelSize": size | {"unit": unit}, "offset": offsets[scale]}
            expected |= {"scales": 2, "axes": ["z", "y", "x"]}
            corpus.add(f"{name} scale {scale}", "n5", path, level, scale=scale, expected=expected)
