"""Zarr and OME-Zarr as zarr-python writes them."""

import itertools

import numcodecs
import numpy as np
import zarr
import zarr.codecs as v3
import zarr.codecs.numcodecs as older

from _array_volumes import AXES, CHUNKS, CNAMES, DTYPES, SHAPE, make_voxels


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
    for dtype, (name, compressors), endian in itertools.product(DTYPES, compressors_v3(), ["little", "big"]):
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
