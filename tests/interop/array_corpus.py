"""
Volumes as other programs write them, for sluice to read.

    python array_corpus.py zarr-v2 | zarr-v3 | shards | tensorstore | z5 | large | ome | n5-places  FOLDER

Writes each volume into a folder of its own, the voxels it must hold as a raw file, and manifest.json. An entry: name;
format; path; voxels, the raw file: little-endian, t c z y x with x fastest; size along x, y, z, c and t; dtype; and
scale, which level they are.
"""

import itertools
import json
import pathlib
import sys

import numcodecs
import numpy as np
import tensorstore
import zarr
import zarr.codecs as v3
import zarr.codecs.numcodecs as older

DTYPES = ["uint8", "int8", "uint16", "int16", "uint32", "int32", "uint64", "float32"]
AXES = "tczyx"
SHAPE = (3, 5, 7)
CHUNKS = (2, 3, 4)
CNAMES = ["blosclz", "lz4", "lz4hc", "zlib", "zstd"]


def make_voxels(shape, dtype, seed=20260103):
    """Noise below, smooth above, so that every byte matters and something compresses; some planes repeat."""
    random = np.random.default_rng(seed)
    count = int(np.prod(shape))
    width = np.dtype(dtype).itemsize
    data = random.integers(0, 256, (count, width), dtype=np.uint8)
    data[:, width // 2 :] = (np.arange(count)[:, None] // 5 + np.arange(width - width // 2)) & 127
    data[count // 3 : count // 2] = 7
    if dtype == "float32":
        data[:, 3] &= 63
    return data.view(dtype)[:, 0].reshape(shape)


class Corpus:
    """The volumes of a folder."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.entries = []
        self.voxels = {}

    def place(self):
        """A path that no volume has yet."""
        return self.folder / f"{len(self.entries):04}"

    def add(self, name, kind, path, voxels, axes=None, scale=0, expected=None):
        """Enters a volume. axes: of the voxels, in the order of NumPy; expected: what else must be said of it."""
        axes = axes or AXES[-voxels.ndim :]
        kept = [axis for axis in AXES if axis in axes]
        plain = voxels.transpose([axes.index(axis) for axis in kept])
        size = [dict(zip(axes, voxels.shape)).get(axis, 1) for axis in "xyzct"]
        data = np.ascontiguousarray(plain.astype(plain.dtype.newbyteorder("<"))).tobytes()
        raw = self.voxels.setdefault(data, f"{len(self.voxels):04}.raw")
        entry = {"name": name, "format": kind, "path": str(path), "voxels": str(self.folder / raw)}
        entry |= {"size": size, "dtype": voxels.dtype.name, "scale": scale, "expected": expected or {}}
        self.entries.append(entry)

    def save(self):
        """Writes the raw files and the manifest."""
        for data, raw in self.voxels.items():
            (self.folder / raw).write_bytes(data)
        (self.folder / "manifest.json").write_text(json.dumps(self.entries))


def leave_out(array, voxels, fill):
    """Writes all but one corner of chunks, which then hold the fill value; returns what is to be read."""
    expected = np.array(voxels)
    first = tuple(slice(0, chunk) for chunk in array.chunks)
    expected[first] = fill
    array[...] = expected
    return expected


def compressors_v2():
    """Compressors of Zarr v2, by name."""
    yield "none", None
    for level in [1, 9]:
        yield f"zlib {level}", numcodecs.Zlib(level)
    yield "gzip", numcodecs.GZip(5)
    yield "zstd", numcodecs.Zstd(3)
    yield "zstd with its checksum", numcodecs.Zstd(3, True)
    yield "lz4", numcodecs.LZ4()
    yield "bz2", numcodecs.BZ2(9)
    yield "lzma", numcodecs.LZMA()
    for cname, shuffle in itertools.product(CNAMES, [0, 1, 2]):
        yield f"blosc {cname} shuffle {shuffle}", numcodecs.Blosc(cname, 5, shuffle)


def zarr_v2(corpus):
    """Every dtype, compressor and order of Zarr v2; separators, byte orders and fill values in turn."""
    turn = 0
    for dtype, (name, compressor), order in itertools.product(DTYPES, compressors_v2(), "CF"):
        for endian in "<>" if np.dtype(dtype).itemsize > 1 else "|":
            turn += 1
            fill = [0, 5, None, 1][turn % 4]
            if dtype == "float32" and turn % 8 == 5:
                fill = [np.nan, np.inf, -np.inf][turn % 3]
            path = corpus.place()
            array = zarr.create_array(
                path,
                shape=SHAPE,
                chunks=CHUNKS,
                dtype=np.dtype(dtype).newbyteorder(endian),
                order=order,
                compressors=compressor,
                filters=numcodecs.Shuffle(np.dtype(dtype).itemsize) if turn % 5 == 0 else None,
                fill_value=fill,
                chunk_key_encoding={"name": "v2", "separator": "./"[turn % 2]},
                zarr_format=2,
                config={"write_empty_chunks": turn % 3 == 0},
            )
            voxels = leave_out(array, make_voxels(SHAPE, dtype, turn), fill or 0)
            corpus.add(f"zarr-python v2 {endian}{dtype} {name} {order}", "zarr", path, voxels)


def compressors_v3():
    """Compressors of Zarr v3, by name."""
    yield "none", []
    yield "gzip", [v3.GzipCodec(level=5)]
    yield "zstd", [v3.ZstdCodec(level=3)]
    yield "zstd with its checksum and crc32c", [v3.ZstdCodec(level=1, checksum=True), v3.Crc32cCodec()]
    yield "crc32c", [v3.Crc32cCodec()]
    yield "gzip, crc32c and zstd", [v3.GzipCodec(level=1), v3.Crc32cCodec(), v3.ZstdCodec(level=3)]
    for codec in [older.Zlib(level=1), older.BZ2(level=1), older.LZ4(), older.LZMA()]:
        yield codec.codec_name, [codec]
    yield "numcodecs.shuffle and gzip", [older.Shuffle(elementsize=2), v3.GzipCodec(level=1)]
    for cname, shuffle in itertools.product(CNAMES, ["noshuffle", "shuffle", "bitshuffle"]):
        yield f"blosc {cname} {shuffle}", [v3.BloscCodec(cname=cname, clevel=5, shuffle=shuffle)]


def zarr_v3(corpus):
    """Every dtype, compressor and byte order of Zarr v3; transpositions, chunk names and fill values in turn."""
    turn = 0
    orders = [None, (2, 1, 0), (1, 2, 0), (0, 2, 1)]
    for dtype, (name, compressors), endian in itertools.product(
        DTYPES, compressors_v3(), ["little", "big"]
    ):
        turn += 1
        order = orders[turn % 4]
        fill = [0, 5][turn % 2]
        if dtype == "float32":
            fill = [0, np.nan, np.inf, 1.5][turn % 4]
        if dtype == "uint64" and turn % 3 == 0:
            fill = 2**64 - 1
        encoding = {"name": ["default", "v2"][turn % 2], "separator": "./"[turn // 2 % 2]}
        path = corpus.place()
        array = zarr.create_array(
            path,
            shape=SHAPE,
            chunks=CHUNKS,
            dtype=dtype,
            filters=[v3.TransposeCodec(order=order)] if order else [],
            serializer=v3.BytesCodec(endian=endian),
            compressors=compressors,
            fill_value=np.dtype(dtype).type(fill),
            chunk_key_encoding=encoding,
            dimension_names=[None, ["z", "y", "x"]][turn % 2],
            zarr_format=3,
        )
        voxels = leave_out(array, make_voxels(SHAPE, dtype, turn), fill)
        corpus.add(f"zarr-python v3 {dtype} {name} {endian} {order} {encoding}", "zarr", path, voxels)
    for axes, shape, chunks in [
        ("x", (37,), (10,)),
        ("yx", (11, 17), (4, 5)),
        ("xyz", (7, 5, 3), (4, 3, 2)),
        ("zxy", (3, 7, 5), (2, 4, 3)),
        ("czyx", (2, 3, 5, 7), (1, 2, 3, 4)),
        ("zyxc", (3, 5, 7, 3), (2, 3, 4, 3)),
        ("tczyx", (2, 3, 3, 5, 7), (1, 2, 2, 3, 4)),
        ("xyczt", (7, 5, 2, 3, 2), (4, 3, 1, 2, 1)),
        ("tyx", (4, 5, 7), (3, 3, 3)),
    ]:
        for version, named in itertools.product([2, 3], [True, False]):
            if not named and axes != AXES[-len(axes) :]:
                continue
            path = corpus.place()
            array = zarr.create_array(
                path,
                shape=shape,
                chunks=chunks,
                dtype="uint16",
                dimension_names=list(axes) if named and version == 3 else None,
                attributes={"_ARRAY_DIMENSIONS": list(axes)} if named and version == 2 else None,
                zarr_format=version,
            )
            array[...] = voxels = make_voxels(shape, "uint16")
            name = f"zarr-python v{version} {axes} named {named}"
            corpus.add(name, "zarr", path, voxels, axes, expected={"axes": [*axes]})


def shards(corpus):
    """Shards of Zarr v3: indices at either end, transposed, in each other, and packed as a whole."""
    little = v3.BytesCodec(endian="little")
    plain = [little, v3.Crc32cCodec()]
    outer, inner, innermost = (4, 6, 8), (2, 3, 4), (1, 3, 2)
    for dtype, where, order, codecs in itertools.product(
        ["uint8", "uint64", "float32"],
        ["start", "end"],
        [None, (2, 0, 1)],
        [[], [v3.ZstdCodec(level=3), v3.Crc32cCodec()]],
    ):
        for index_codecs in [plain, [v3.BytesCodec(endian="big")]]:
            chain = [v3.TransposeCodec(order=order)] if order else []
            flat = v3.ShardingCodec(
                chunk_shape=inner,
                codecs=[*chain, v3.BytesCodec(endian="big"), *codecs],
                index_codecs=index_codecs,
                index_location=where,
            )
            nested = v3.ShardingCodec(
                chunk_shape=inner,
                codecs=[
                    v3.ShardingCodec(
                        chunk_shape=innermost,
                        codecs=[*chain, little, *codecs],
                        index_codecs=plain,
                        index_location="start" if where == "end" else "end",
                    )
                ],
                index_codecs=index_codecs,
                index_location=where,
            )
            for name, serializer, filters, around in [
                ("flat", flat, [], []),
                ("nested", nested, [], []),
                ("packed", flat, [], [v3.GzipCodec(level=1)]),
                ("nested and packed", nested, [], [v3.Crc32cCodec(), v3.ZstdCodec(level=1)]),
            ]:
                shape = (5, 9, 11)
                path = corpus.place()
                array = zarr.create_array(
                    path,
                    shape=shape,
                    chunks=outer,
                    dtype=dtype,
                    filters=filters,
                    serializer=serializer,
                    compressors=around,
                    fill_value=3,
                )
                voxels = make_voxels(shape, dtype)
                voxels[0:4, 0:6, 8:] = 3
                voxels[4:, 6:, 4:8] = 3
                array[...] = voxels
                what = f"{dtype} {where} {order} {[type(codec).__name__ for codec in codecs]}"
                corpus.add(f"zarr-python {name} shards {what}", "zarr", path, voxels)


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


def ome(corpus):
    """OME-Zarr 0.4 and 0.5 with pyramids that do not begin at the origin."""
    for version, kind in itertools.product(["0.4", "0.5"], ["image", "labels"]):
        path = corpus.place()
        zarr_format = 3 if version == "0.5" else 2
        group = zarr.open_group(path, mode="w", zarr_format=zarr_format)
        space = [{"name": n, "type": "space", "unit": "micrometer"} for n in "zyx"]
        axes = [{"name": "t", "type": "time"}, {"name": "c", "type": "channel"}, *space]
        factors = [(1, 1, 1, 1, 1), (1, 1, 1, 2, 2), (1, 1, 2, 4, 4)]
        voxels = make_voxels((2, 3, 7, 21, 33), "uint16")
        levels = [voxels[tuple(slice(None, None, step) for step in factor)] for factor in factors]
        datasets = []
        for factor, level in zip(factors, levels):
            # A corner 30 voxels along x, 20 along y and 8 along z: coarser voxels lie half of one further on.
            edges = np.array([1, 1, 0.04, 0.008, 0.004]) * factor
            shift = np.array([0, 0, 8, 20, 30]) + (np.array(factor) - 1) / 2
            translation = (np.array([1, 1, 0.04, 0.008, 0.004]) * shift).tolist()
            transformations = [{"type": "scale", "scale": edges.tolist()}]
            transformations.append({"type": "translation", "translation": translation})
            name = f"scale{len(datasets)}/image" if version == "0.5" else str(len(datasets))
            datasets.append({"path": name, "coordinateTransformations": transformations})
            array = group.create_array(
                name,
                shape=level.shape,
                chunks=(1, 1, 4, 8, 16),
                dtype=level.dtype,
                dimension_names=list(AXES) if zarr_format == 3 else None,
                chunk_key_encoding={"name": "v2", "separator": "/"} if zarr_format == 2 else None,
            )
            array[...] = level
        image = {"axes": axes, "datasets": datasets, "name": "it"}
        # All of it is twice as large again, and two voxels further along z.
        image["coordinateTransformations"] = [
            {"type": "scale", "scale": [1, 1, 2, 2, 2]},
            {"type": "translation", "translation": [0, 0, 0.16, 0, 0]},
        ]
        attributes = {"multiscales": [image | {"version": version}]}
        if kind == "labels":
            attributes["image-label"] = {"source": {"image": "../../"}}
        group.attrs.update({"ome": attributes | {"version": version}} if version == "0.5" else attributes)
        for scale, (factor, level) in enumerate(zip(factors, levels)):
            size = [0.008 * factor[4], 0.016 * factor[3], 0.08 * factor[2]]
            # Rounded to whole voxels of the level.
            offset = [round(a / b) for a, b in zip([30, 20, 10], factor[:1:-1])]
            expected = {
                "kind": kind,
                "scales": 3,
                "axes": [*AXES],
                "voxelSize": {"x": size[0], "y": size[1], "z": size[2], "unit": "micrometer"},
                "offset": offset,
            }
            name = f"OME-Zarr {version} {kind} scale {scale}"
            corpus.add(name, "zarr", path, level, scale=scale, expected=expected)


def n5_places(corpus):
    """The ways in which those who write N5 say where levels lie and how large their voxels are."""
    levels = [make_voxels((6, 10, 14), "uint8", seed) for seed in [1, 2]]
    levels[1] = np.ascontiguousarray(levels[1][:6, :5, :7])
    factors = [[1, 1, 1], [2, 2, 1]]
    nanometres = [{"x": 4, "y": 4, "z": 40}, {"x": 8, "y": 8, "z": 40}]
    cosem = [
        {"axes": ["z", "y", "x"], "scale": [40, 4 * f, 4 * f], "translate": [400, 80, 120], "units": ["nm"] * 3}
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
            {
                "multiscales": [
                    {"datasets": [{"path": f"s{i}", "transform": cosem[i]} for i in range(2)]}
                ]
            },
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


PARTS = {
    "zarr-v2": zarr_v2,
    "zarr-v3": zarr_v3,
    "shards": shards,
    "tensorstore": with_tensorstore,
    "z5": with_z5,
    "large": large,
    "ome": ome,
    "n5-places": n5_places,
}

if __name__ == "__main__":
    made = Corpus(sys.argv[2])
    PARTS[sys.argv[1]](made)
    made.save()
    print(len(made.entries))
