"""Writes HDF5 files of every kind with h5py, and what they hold.

python hdf5_corpus.py FOLDER
manifest.json lists datasets: label, file, path, dtype, shape, axes; and "refused", words of the error,
where there is one. The voxels of each lie in a file "bin" as h5py reads them back: raw, little-endian,
in C order.
"""

import ctypes
import itertools
import json
import pathlib
import sys

import h5py
import hdf5plugin
import numpy

FOLDER = pathlib.Path(sys.argv[1])
RANDOM = numpy.random.default_rng(11)
MANIFEST = []
AXES = {2: "yx", 3: "zyx", 4: "czyx", 5: "tczyx"}
DTYPES = ["<u1", "<i1", "<u2", "<i2", "<u4", "<i4", "<u8", "<f4", ">u2", ">i2", ">u4", ">i4", ">u8", ">f4"]
LIBVERS = ["earliest", "v108", "v110", "latest"]
# The library that h5py brings has calls that h5py does not offer.
LIBRARY = ctypes.CDLL(next(
    line.split()[-1] for line in open("/proc/self/maps") if "/libhdf5-" in line or "/libhdf5." in line
))


def voxels(shape, dtype):
    """Neither flat nor noise, every byte in use, and every axis told from the others."""
    dtype = numpy.dtype(dtype)
    values = (RANDOM.standard_normal(shape) * 9).cumsum(axis=-1) + numpy.arange(shape[0]).reshape(
        (-1,) + (1,) * (len(shape) - 1)
    )
    if dtype.kind == "f":
        return values.astype(dtype)
    factor = 1 + 0x0101010101010101 % 2 ** (8 * dtype.itemsize - 8)
    return (values.astype("int64") * factor).astype(dtype)


def keep(file, dataset, label="", axes=None):
    """Lists a dataset that was written, with what h5py reads back."""
    data = dataset[...]
    if data.dtype.kind == "b":
        data = data.astype("i1")
    name = f"{len(MANIFEST)}.bin"
    data.astype(data.dtype.newbyteorder("<")).tofile(FOLDER / name)
    MANIFEST.append({
        "label": f"{pathlib.Path(file.filename).stem} {dataset.name} {label}".strip(),
        "file": pathlib.Path(file.filename).name,
        "path": dataset.name,
        "bin": name,
        "dtype": data.dtype.newbyteorder("=").name,
        "shape": data.shape,
        "axes": axes or AXES[data.ndim],
        "given": axes is not None,
    })


def refuse(file, path, words):
    """Lists a dataset that cannot be read, and words that its error holds."""
    MANIFEST.append({
        "label": f"{pathlib.Path(file.filename).stem} {path} is refused",
        "file": pathlib.Path(file.filename).name,
        "path": path,
        "refused": words,
    })


def filters():
    yield "none", {}
    for level in [1, 9]:
        yield f"gzip{level}", {"compression": "gzip", "compression_opts": level}
    yield "shuffle", {"shuffle": True}
    yield "gzip_shuffle", {"compression": "gzip", "shuffle": True}
    yield "fletcher", {"fletcher32": True}
    yield "gzip_shuffle_fletcher", {"compression": "gzip", "shuffle": True, "fletcher32": True}
    yield "lzf", {"compression": "lzf"}
    yield "lzf_shuffle_fletcher", {"compression": "lzf", "shuffle": True, "fletcher32": True}


def others():
    for cname in ["blosclz", "lz4", "lz4hc", "zlib", "zstd"]:
        for shuffle in [0, 1, 2]:
            yield f"blosc_{cname}_{shuffle}", hdf5plugin.Blosc(cname=cname, shuffle=shuffle)
    yield "zstd", hdf5plugin.Zstd(clevel=3)
    yield "lz4", hdf5plugin.LZ4()
    yield "lz4_small_blocks", hdf5plugin.LZ4(nbytes=256)
    yield "bzip2", hdf5plugin.BZip2()


def layouts():
    """Shapes with a chunk and what they may grow to: every index that the library chooses."""
    yield "one", (3, 5, 7), (3, 5, 7), None
    yield "edges", (7, 11, 13), (2, 4, 5), None
    yield "to_a_limit", (7, 11, 13), (2, 4, 5), (9, 30, 13)
    for axis in range(3):
        limits = [7, 11, 13]
        limits[axis] = None
        yield f"along_{axis}", (7, 11, 13), (2, 4, 5), tuple(limits)
    yield "along_two", (7, 11, 13), (2, 4, 5), (None, 11, None)
    yield "section", (37, 53), (16, 16), None
    yield "channels", (2, 3, 5, 7), (1, 2, 3, 4), (None, None, 5, 7)
    yield "times", (2, 3, 4, 5, 7), (1, 2, 3, 2, 4), (None, 3, 4, 5, 7)


def write_every_kind(libver):
    with h5py.File(FOLDER / f"kinds_{libver}.h5", "w", libver=libver) as file:
        for dtype in DTYPES:
            group = file.create_group(dtype.replace("<", "little_").replace(">", "big_"))
            for shape in [(3, 5, 7), (37, 53), (2, 3, 4, 5), (2, 3, 1, 5, 6)]:
                name = f"contiguous_{len(shape)}"
                keep(file, group.create_dataset(name, data=voxels(shape, dtype)))
            for label, options in filters():
                shape = (7, 11, 13)
                keep(file, group.create_dataset(label, data=voxels(shape, dtype), chunks=(2, 4, 5), **options))
        for (layout, shape, chunk, limits), (label, options) in itertools.product(layouts(), filters()):
            data = voxels(shape, "<u2")
            dataset = file.create_dataset(
                f"layouts/{layout}/{label}", data=data, chunks=chunk, maxshape=limits, **options
            )
            keep(file, dataset)
        for dtype in ["<u1", "<u2", ">f4"]:
            for label, options in others():
                path = f"others/{dtype[1:]}{dtype[0] == '>'}/{label}"
                keep(file, file.create_dataset(path, data=voxels((7, 11, 130), dtype), chunks=(2, 4, 50), **options))
        keep(file, file.create_dataset("bool", data=voxels((3, 5, 7), "i1") > 0, chunks=(1, 2, 3)))
        colours = h5py.enum_dtype({"RED": 1, "GREEN": 40000}, basetype="u2")
        keep(file, file.create_dataset("enum", data=voxels((3, 5, 7), "u2"), dtype=colours))
        big = h5py.enum_dtype({"A": 1}, basetype=">u4")
        keep(file, file.create_dataset("enum_big", data=voxels((3, 5, 7), ">u4"), dtype=big))
        compact = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        compact.set_layout(h5py.h5d.COMPACT)
        low_level(file, "compact", voxels((3, 5, 7), "<u2"), compact)
        early = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        early.set_chunk((2, 4, 5))
        early.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
        low_level(file, "early", voxels((7, 11, 13), "<u2"), early)
        for deflate in [False, True]:
            plain = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
            plain.set_chunk((2, 4, 5))
            if deflate:
                plain.set_shuffle()
                plain.set_deflate(4)
            if libver not in ("earliest", "v108"):
                assert LIBRARY.H5Pset_chunk_opts(ctypes.c_int64(plain.id), ctypes.c_uint(2)) >= 0
            low_level(file, f"plain_edges_{deflate}", voxels((7, 11, 13), "<u2"), plain)
        # LZF gives up on noise, and the chunk says that it skipped it.
        noise = numpy.frombuffer(RANDOM.bytes(7 * 11 * 13), "u1").reshape(7, 11, 13)
        keep(file, file.create_dataset("noise", data=noise, chunks=(2, 4, 5), compression="lzf", fletcher32=True))
        axes(file)
        names(file)


def low_level(file, name, data, dcpl, space=None):
    file_type = h5py.h5t.py_create(data.dtype)
    space = space or h5py.h5s.create_simple(data.shape)
    dataset = h5py.Dataset(h5py.h5d.create(file.id, name.encode(), file_type, space, dcpl))
    dataset[...] = data
    keep(file, dataset)


def axes(file):
    """Axes in every place."""
    for order in ["xyz", "yxz", "zyxc", "yxc", "xy", "tzyx", "zcyx", "ctxyz", "xyzct"]:
        shape = tuple({"x": 23, "y": 19, "z": 5, "c": 3, "t": 2}[axis] for axis in order)
        for chunk in [None, tuple(min(4, side) for side in shape)]:
            path = f"axes/{order}_{chunk is None}"
            keep(file, file.create_dataset(path, data=voxels(shape, ">u2"), chunks=chunk), axes=order)


def names(file):
    """Datasets behind links, in crowded groups, with named types and many attributes."""
    file["type"] = numpy.dtype(">i2")
    keep(file, file.create_dataset("named_type", data=voxels((3, 5, 7), ">i2"), dtype=file["type"]))
    crowd = file.create_group("crowd", track_order=True)
    for i in range(60):
        crowd.create_dataset(f"one_{i}", data=voxels((3, 4), "u1"))
    keep(file, crowd["one_37"])
    file["soft"] = h5py.SoftLink("/crowd/one_59")
    keep(file, file["soft"])
    MANIFEST[-1]["path"] = "/soft"
    many = file.create_dataset("many_attributes", data=voxels((3, 5, 7), "u1"))
    for i in range(200):
        many.attrs[f"attribute_{i}"] = numpy.arange(i % 7)
    many.attrs["element_size_um"] = [0.04, 0.004, 0.004]
    keep(file, many)


def write_missing(libver):
    """Chunks that are not stored, and fill values."""
    with h5py.File(FOLDER / f"missing_{libver}.h5", "w", libver=libver) as file:
        for dtype, fill in [("u1", 7), (">u2", 40000), ("i4", -5), ("f4", 1.5), ("f4", numpy.nan), ("u8", 2**64 - 1)]:
            for layout, shape, chunk, limits in layouts():
                path = f"{layout}/{dtype.strip('>')}_{fill}"
                dataset = file.create_dataset(
                    path, shape, dtype, chunks=chunk, maxshape=limits, fillvalue=fill, compression="gzip"
                )
                for cell in itertools.product(*(range(0, side, step) for side, step in zip(shape, chunk))):
                    part = tuple(slice(at, at + step) for at, step in zip(cell, chunk))
                    if RANDOM.random() < 0.4:
                        dataset[part] = voxels(dataset[part].shape, dtype)
                keep(file, dataset)
            keep(file, file.create_dataset(f"never_{dtype.strip('>')}_{fill}", (3, 5, 7), dtype, fillvalue=fill))
            name = f"never_chunked_{dtype.strip('>')}_{fill}"
            keep(file, file.create_dataset(name, (3, 5, 7), dtype, chunks=(1, 2, 3), fillvalue=fill))
        late = file.create_dataset("grown", (4, 5, 6), "u2", chunks=(2, 2, 4), maxshape=(None, None, None), fillvalue=9)
        late[...] = voxels((4, 5, 6), "u2")
        late.resize((9, 13, 5))
        late[5:7, 11:, 2:] = 77
        keep(file, late)
        late = file.create_dataset("shrunk", (20, 9, 9), "u2", chunks=(2, 2, 4), maxshape=(None, 9, 9), compression="gzip")
        late[...] = voxels((20, 9, 9), "u2")
        late.resize((7, 9, 5))
        keep(file, late)
        masked = file.create_dataset("masked", (4, 6, 8), "<u2", chunks=(2, 3, 4), compression="gzip", shuffle=True)
        data = voxels((4, 6, 8), "<u2")
        masked[...] = data
        for z, mask in [(0, 3), (2, 2)]:
            chunk = numpy.ascontiguousarray(data[z : z + 2, 0:3, 4:8])
            body = chunk.tobytes()
            if mask == 2:
                body = numpy.frombuffer(body, "u1").reshape(-1, 2).T.tobytes()
            masked.id.write_direct_chunk((z, 0, 4), body, mask)
        assert (masked[...] == data).all()
        keep(file, masked)


def write_many(libver):
    """More chunks than fit in one block of any index: pages, super blocks, trees of some levels."""
    with h5py.File(FOLDER / f"many_{libver}.h5", "w", libver=libver) as file:
        for label, options in [("plain", {}), ("filtered", {"shuffle": True})]:
            growing = [("first", (None, 60, 70)), ("second", (41, None, 70)), ("two", (None, None, 70))]
            # Old files have one index for all.
            for name, limits in [("fixed", None)] + growing * (libver != "earliest"):
                # An extensible array has pages beyond its element 131,072.
                shape = (41 if name in ("first", "second") else 20, 60, 70)
                data = voxels(shape, "u1")
                dataset = file.create_dataset(f"{name}_{label}", data=data, chunks=(1, 1, 1), maxshape=limits, **options)
                keep(file, dataset)
                sparse = file.create_dataset(f"{name}_{label}_sparse", shape, "u1", chunks=(1, 1, 1), maxshape=limits, fillvalue=3, **options)
                for place in RANDOM.integers(0, shape, (300, 3)):
                    sparse[tuple(place)] = RANDOM.integers(0, 255)
                keep(file, sparse)
        # Chunks that come in no order make a B-tree split in its middle.
        shuffled = file.create_dataset("shuffled", (24, 24, 24), "u2", chunks=(1, 2, 2), maxshape=(None, None, None))
        cells = list(itertools.product(range(24), range(0, 24, 2), range(0, 24, 2)))
        for z, y, x in RANDOM.permutation(cells):
            shuffled[z, y : y + 2, x : x + 2] = voxels((2, 2), "u2")
        keep(file, shuffled)


def write_sizes():
    """User blocks, short addresses, odd sizes of nodes; and sizes where bands have some chunks."""
    for libver, user in itertools.product(["earliest", "v110", "latest"], [512, 4096]):
        with h5py.File(FOLDER / f"user_{libver}_{user}.h5", "w", libver=libver, userblock_size=user) as file:
            keep(file, file.create_dataset("a/contiguous", data=voxels((3, 5, 7), "u2")))
            keep(file, file.create_dataset("a/chunked", data=voxels((7, 11, 13), "u2"), chunks=(2, 4, 5), compression="gzip"))
            keep(file, file.create_dataset("a/grows", data=voxels((7, 11, 13), "u2"), chunks=(2, 4, 5), maxshape=(None, None, 13)))
        with open(FOLDER / f"user_{libver}_{user}.h5", "r+b") as raw:
            raw.write(b"#!/bin/sh\n")
    for libver, (offset, length) in itertools.product(["earliest", "v110", "latest"], [(4, 4), (4, 8), (8, 4)]):
        fcpl = h5py.h5p.create(h5py.h5p.FILE_CREATE)
        fcpl.set_sizes(offset, length)
        assert LIBRARY.H5Pset_istore_k(ctypes.c_int64(fcpl.id), ctypes.c_uint(2)) >= 0
        assert LIBRARY.H5Pset_sym_k(ctypes.c_int64(fcpl.id), ctypes.c_uint(3), ctypes.c_uint(2)) >= 0
        fapl = h5py.h5p.create(h5py.h5p.FILE_ACCESS)
        if libver == "latest":
            fapl.set_libver_bounds(h5py.h5f.LIBVER_LATEST, h5py.h5f.LIBVER_LATEST)
        elif libver == "v110":
            fapl.set_libver_bounds(h5py.h5f.LIBVER_V110, h5py.h5f.LIBVER_V110)
        path = FOLDER / f"sizes_{libver}_{offset}_{length}.h5"
        with h5py.File(h5py.h5f.create(str(path).encode(), h5py.h5f.ACC_TRUNC, fcpl, fapl)) as file:
            keep(file, file.create_dataset("a/contiguous", data=voxels((3, 5, 7), "u2")))
            # The library itself does not find a limitless axis again whose length has 4 bytes.
            along_one = [(None, 11, 13)] * (length == 8 or libver == "earliest")
            for limits in [None, *along_one, (None, None, 13)]:
                for options in [{}, {"compression": "gzip"}]:
                    name = f"a/chunked_{limits}_{len(options)}"
                    data = voxels((7, 11, 13), "u2")
                    keep(file, file.create_dataset(name, data=data, chunks=(1, 2, 2), maxshape=limits, **options))
    with h5py.File(FOLDER / "large.h5", "w") as file:
        shape = (65, 150, 200)
        keep(file, file.create_dataset("auto", data=voxels(shape, "u2"), chunks=True, compression="gzip"))
        keep(file, file.create_dataset("cubes", data=voxels(shape, "f4"), chunks=(32, 32, 32), compression="gzip", shuffle=True))
        keep(file, file.create_dataset("sections", data=voxels(shape, "u1"), chunks=(1, 150, 200), compression="lzf"))
        keep(file, file.create_dataset("contiguous", data=voxels((5, 300, 900), ">u4")))
        keep(file, file.create_dataset("long_rows", data=voxels((2, 3, 1100000), "u2")))


def write_far():
    """Voxels and names beyond 4 GiB, in a file with holes."""
    with h5py.File(FOLDER / "far.h5", "w") as file:
        hole = file.create_dataset("hole", (6, 1024, 1024, 1024), "u1")
        hole[0, 0, 0, :3] = [1, 2, 3]
        hole[5, 1023, 1023, -3:] = [7, 8, 9]
        keep(file, file.create_dataset("a/chunked", data=voxels((7, 11, 13), "u2"), chunks=(2, 4, 5), compression="gzip"))
        keep(file, file.create_dataset("a/contiguous", data=voxels((7, 11, 13), "u2")))


def write_refused():
    with h5py.File(FOLDER / "refused.h5", "w") as file:
        for dtype in ["f2", "f8", "i8"]:
            file.create_dataset(dtype, data=numpy.ones((3, 5, 7), dtype))
            refuse(file, f"/{dtype}", numpy.dtype(dtype).name)
        file["compound"] = numpy.zeros((3, 5), [("a", "u1"), ("b", "f4")])
        refuse(file, "/compound", "compounds")
        file["complex"] = numpy.zeros((3, 5), "c8")
        refuse(file, "/complex", "compounds")
        file.create_dataset("words", (3, 5), h5py.string_dtype())
        refuse(file, "/words", "sequences of any length")
        file["letters"] = numpy.full((3, 5), b"abc")
        refuse(file, "/letters", "strings")
        file["line"] = numpy.ones(7, "u1")
        refuse(file, "/line", "no volume")
        file["scalar"] = 5
        refuse(file, "/scalar", "no volume")
        file["empty"] = numpy.ones((3, 0, 7), "u1")
        refuse(file, "/empty", "no volume")
        file["six"] = numpy.ones((1, 2, 1, 2, 1, 2), "u1")
        refuse(file, "/six", "no volume")
        twelve = h5py.h5t.STD_U16LE.copy()
        twelve.set_precision(12)
        h5py.h5d.create(file.id, b"twelve", twelve, h5py.h5s.create_simple((3, 5)))
        refuse(file, "/twelve", "12 bits")
        for name, words, options in [
            ("scaleoffset", "scaleoffset", {"scaleoffset": 4}),
            ("szip", "szip", {"compression": "szip"}),
            ("bitshuffle", "bitshuffle", hdf5plugin.Bitshuffle()),
            ("blosc2", "blosc2", hdf5plugin.Blosc2()),
        ]:
            try:
                file.create_dataset(name, data=voxels((8, 8, 8), "u2"), chunks=(4, 4, 8), **options)
            except ValueError:
                continue  # This build of the library does not write it.
            refuse(file, f"/{name}", words)
        file.create_dataset("outside", (3, 5, 7), "u1", external=[(str(FOLDER / "outside.raw"), 0, 105)])[...] = 1
        refuse(file, "/outside", "external")
        virtual = h5py.VirtualLayout((3, 5, 7), "u1")
        virtual[...] = h5py.VirtualSource(str(FOLDER / "large.h5"), "sections", (65, 150, 200))[:3, :5, :7]
        file.create_virtual_dataset("virtual", virtual)
        refuse(file, "/virtual", "virtual")
        file["elsewhere"] = h5py.ExternalLink("other.h5", "/raw")
        refuse(file, "/elsewhere", 'link into "other.h5"')
        file["broken"] = h5py.SoftLink("/nowhere")
        refuse(file, "/broken", "Cannot find")
        refuse(file, "/lettres", 'did you mean "/letters"')
    fcpl = h5py.h5p.create(h5py.h5p.FILE_CREATE)
    assert LIBRARY.H5Pset_shared_mesg_nindexes(ctypes.c_int64(fcpl.id), ctypes.c_uint(1)) >= 0
    index = [ctypes.c_uint(number) for number in (0, 0x1F, 1)]
    assert LIBRARY.H5Pset_shared_mesg_index(ctypes.c_int64(fcpl.id), *index) >= 0
    path = str(FOLDER / "shared.h5").encode()
    with h5py.File(h5py.h5f.create(path, h5py.h5f.ACC_TRUNC, fcpl)) as file:
        for name in "ab":
            file.create_dataset(name, data=voxels((3, 5, 7), "u2"), chunks=(1, 2, 3), compression="gzip")
        refuse(file, "/b", "heap of shared messages")


if __name__ == "__main__":
    for libver in LIBVERS:
        write_every_kind(libver)
        write_missing(libver)
        if libver in ("earliest", "v110", "latest"):
            write_many(libver)
    write_sizes()
    write_far()
    write_refused()
    (FOLDER / "manifest.json").write_text(json.dumps(MANIFEST))
