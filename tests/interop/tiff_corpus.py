"""Writes TIFFs of every kind with tifffile, imagecodecs and Pillow, and what they hold.

python tiff_corpus.py FOLDER
manifest.json lists, for each file, its images as they follow each other ("images"), or its series
with their planes in the order t, c, z ("series"); the pixels lie beside it as raw little-endian
bytes, samples interleaved.
"""

import itertools
import json
import pathlib
import sys

import numpy
import tifffile
from PIL import Image

FOLDER = pathlib.Path(sys.argv[1])
RANDOM = numpy.random.default_rng(7)
HEIGHT, WIDTH = 37, 53
MANIFEST = []


def pixels(shape, dtype):
    """Neither flat nor noise, and negative where the dtype can be."""
    values = (RANDOM.standard_normal(shape) * 100).cumsum(axis=-1)
    if numpy.dtype(dtype).kind == "f":
        return values.astype(dtype)
    values = values.astype("int64")
    size = numpy.dtype(dtype).itemsize
    return (values * (1 + 0x0101010101010101 % 2 ** (8 * size - 8))).astype(dtype)


def keep(name, array):
    little = numpy.ascontiguousarray(array).astype(array.dtype.newbyteorder("<"))
    (FOLDER / name).write_bytes(little.tobytes())


def images(label, file, array, tolerance=0, samples=1):
    """`array` is pages, rows, columns and, where there are several, samples."""
    keep(file + ".bin", array)
    MANIFEST.append({
        "label": label,
        "file": file,
        "kind": "images",
        "pages": array.shape[0],
        "height": array.shape[1],
        "width": array.shape[2],
        "samples": samples,
        "dtype": array.dtype.newbyteorder("=").name,
        "tolerance": tolerance,
    })


def every_kind():
    packings = [("none", [1]), ("packbits", [1]), ("lzw", [1, 2, 3]), ("deflate", [1, 2, 3]),
                ("zstd", [1, 2, 3])]
    layouts = [{"rowsperstrip": 10}, {"rowsperstrip": HEIGHT}, {"tile": (16, 32)}]
    colours = [(1, None), (3, "contig"), (3, "separate"), (4, "contig")]
    dtypes = ["u1", "u2", "u4", "u8", "i1", "i2", "i4", "f4"]
    number = itertools.count()
    for dtype, (packing, predictors), layout, (samples, planar) in itertools.product(
        dtypes, packings, layouts, colours
    ):
        for predictor in predictors:
            if (predictor == 3) != (dtype == "f4") and predictor != 1:
                continue
            for order, big in itertools.product("<>", [False, True]):
                shape = (2, HEIGHT, WIDTH) if samples == 1 else (2, HEIGHT, WIDTH, samples)
                array = pixels(shape, dtype)
                file = f"kind_{next(number)}.tif"
                tifffile.imwrite(
                    FOLDER / file,
                    numpy.moveaxis(array, -1, 1) if planar == "separate" else array,
                    byteorder=order,
                    bigtiff=big,
                    compression=None if packing == "none" else packing,
                    predictor=predictor if predictor > 1 else None,
                    photometric="rgb" if samples > 1 else "minisblack",
                    planarconfig=planar,
                    extrasamples=["unassalpha"] if samples == 4 else None,
                    metadata=None,
                    **layout,
                )
                label = f"{dtype} {packing} {predictor} {layout} {samples} {planar} {order} {big}"
                images(label, file, array, samples=samples)


def jpegs():
    grey = numpy.clip(pixels((2, 64, 96), "f4") / 8 + 128, 0, 255).astype("u1")
    rgb = numpy.stack([grey, grey[:, ::-1], grey[:, :, ::-1]], axis=-1)
    number = itertools.count()
    for (name, array), layout, order, big, subsampling in itertools.product(
        [("grey", grey), ("rgb", rgb)],
        [{"rowsperstrip": 16}, {"rowsperstrip": 64}, {"tile": (32, 48)}, {"tile": (48, 64)}],
        "<>",
        [False, True],
        [None, (1, 1), (2, 1), (2, 2)],
    ):
        if name == "grey" and subsampling is not None:
            continue
        file = f"jpeg_{next(number)}.tif"
        tifffile.imwrite(
            FOLDER / file, array, byteorder=order, bigtiff=big, compression="jpeg",
            photometric="rgb" if name == "rgb" else "minisblack", subsampling=subsampling,
            metadata=None, **layout,
        )
        decoded = numpy.stack([page.asarray() for page in tifffile.TiffFile(FOLDER / file).pages])
        images(f"tifffile jpeg {name} {layout} {subsampling}", file, decoded, 2,
               3 if name == "rgb" else 1)
    for name, array in [("grey", grey[0]), ("rgb", rgb[0])]:
        for progressive in [False, True]:
            file = f"pillow_{name}_{progressive}.jpg"
            Image.fromarray(array).save(FOLDER / file, quality=87, progressive=progressive)
            decoded = numpy.asarray(Image.open(FOLDER / file))
            images(f"pillow {file}", file, decoded[None], 2, 3 if name == "rgb" else 1)
        file = f"pillow_{name}.tif"
        Image.fromarray(array).save(FOLDER / file, compression="jpeg", quality=87)
        decoded = numpy.asarray(Image.open(FOLDER / file))
        images(f"pillow {file}", file, decoded[None], 2, 3 if name == "rgb" else 1)


def by_pillow():
    grey = pixels((HEIGHT, WIDTH), "u1")
    rgb = pixels((HEIGHT, WIDTH, 3), "u1")
    sources = {
        "L": Image.fromarray(grey),
        "RGB": Image.fromarray(rgb),
        "RGBA": Image.fromarray(pixels((HEIGHT, WIDTH, 4), "u1")),
        "I;16": Image.fromarray(pixels((HEIGHT, WIDTH), "u2")),
        "F": Image.fromarray(pixels((HEIGHT, WIDTH), "f4")),
        "I": Image.fromarray(pixels((HEIGHT, WIDTH), "i4")),
        "1": Image.fromarray(grey).convert("1"),
        "P": Image.fromarray(rgb).quantize(200),
        "LA": Image.fromarray(rgb).convert("LA"),
    }
    for mode, image in sources.items():
        for compression in [None, "tiff_lzw", "tiff_adobe_deflate", "tiff_deflate", "packbits",
                            "zstd"]:
            for predictor in [1, 2]:
                packs = compression in ("tiff_lzw", "tiff_adobe_deflate", "tiff_deflate", "zstd")
                if predictor == 2 and (not packs or mode in "1PF"):
                    continue
                file = f"pillow_{mode.replace(';', '')}_{compression}_{predictor}.tif"
                image.save(FOLDER / file, compression=compression,
                           tiffinfo={317: predictor} if predictor > 1 else {})
                array = numpy.asarray(image)
                # Bits become 0 and 255; an index into a palette stays what it is.
                array = array.astype("u1") * 255 if mode == "1" else array
                samples = array.shape[2] if array.ndim == 3 else 1
                images(f"pillow {file}", file, array[None], samples=samples)


def series(label, file, arrays, **more):
    """Each array is t, c, z, rows, columns, samples."""
    listed = []
    for index, (name, array) in enumerate(arrays):
        keep(f"{file}.{index}.bin", array)
        t, c, z, height, width, samples = array.shape
        listed.append({"name": name, "sizeT": t, "sizeC": c, "sizeZ": z, "height": height,
                       "width": width, "samples": samples,
                       "dtype": array.dtype.newbyteorder("=").name})
    MANIFEST.append({"label": label, "file": file, "kind": "series", "series": listed, **more})


def imagej():
    number = itertools.count()
    for (t, z, c), dtype, order, truncate in itertools.product(
        [(1, 5, 1), (2, 3, 2), (4, 1, 1), (1, 1, 3)], ["u1", "u2", "f4"], "<>", [False, True]
    ):
        array = pixels((t, z, c, HEIGHT, WIDTH), dtype)
        file = f"imagej_{next(number)}.tif"
        tifffile.imwrite(FOLDER / file, array, imagej=True, byteorder=order, truncate=truncate,
                         resolution=(10, 5),
                         metadata={"axes": "TZCYX", "spacing": 0.5, "unit": "um"})
        stored = numpy.moveaxis(array, 2, 1)[..., None]
        size = {"x": 0.1, "y": 0.2, "z": 0.5, "unit": "micrometer"}
        series(f"imagej {array.shape} {dtype} {order} {truncate}", file, [("ImageJ", stored)],
               voxelSize=size)
        if not truncate:
            cut_chain(file, f"cut_{file}")
            series(f"imagej cut {array.shape} {dtype} {order}", f"cut_{file}",
                   [("ImageJ", stored)], voxelSize=size)
    rgb = pixels((1, 4, 1, HEIGHT, WIDTH, 3), "u1")
    tifffile.imwrite(FOLDER / "imagej_rgb.tif", rgb, imagej=True, metadata={"axes": "TZCYXS"})
    series("imagej rgb", "imagej_rgb.tif", [("ImageJ", numpy.moveaxis(rgb, 2, 1))])


def cut_chain(source, target):
    """Ends the chain of directories at the first, as ImageJ does past 4 GiB."""
    data = bytearray((FOLDER / source).read_bytes())
    with tifffile.TiffFile(FOLDER / source) as tif:
        first = tif.pages[0]
        end = first.offset + 2 + 12 * len(first.tags)
    data[end:end + 4] = bytes(4)
    (FOLDER / target).write_bytes(data)


def huge():
    """More than 4 GiB in a classic TIFF: only the first of its planes is in a directory."""
    side, count = 16384, 18
    file = "huge.tif"
    tifffile.imwrite(FOLDER / file, shape=(count, side, side), dtype="u1", imagej=True,
                     truncate=True, metadata={"axes": "ZYX"})
    with tifffile.TiffFile(FOLDER / file) as tif:
        assert not tif.is_bigtiff and len(tif.pages) == 1
        start = tif.pages[0].dataoffsets[0]
    row = numpy.arange(side) % 251
    with open(FOLDER / file, "r+b") as out:
        out.seek(start + (count - 1) * side * side + 12345 * side)
        out.write(row.astype("u1").tobytes())
    MANIFEST.append({"label": "more than 4 GiB", "file": file, "kind": "huge", "images": count,
                     "side": side, "row": 12345, "modulo": 251})


def ome():
    for order in itertools.permutations("TCZ"):
        sizes = {"T": 2, "C": 3, "Z": 4}
        axes = "".join(order)
        for dtype, big in [("u2", False), ("u1", True)]:
            array = pixels(tuple(sizes[axis] for axis in axes) + (HEIGHT, WIDTH), dtype)
            file = f"ome_{axes}_{dtype}.ome.tif"
            tifffile.imwrite(
                FOLDER / file, array, ome=True, bigtiff=big, compression="zlib", rowsperstrip=10,
                photometric="minisblack",
                metadata={"axes": axes + "YX", "Name": f"in {axes}",
                          "PhysicalSizeX": 4.6, "PhysicalSizeXUnit": "nm",
                          "PhysicalSizeY": 4.6, "PhysicalSizeYUnit": "nm",
                          "PhysicalSizeZ": 0.045, "PhysicalSizeZUnit": "µm"},
            )
            stored = array.transpose([axes.index(axis) for axis in "TCZ"] + [3, 4])[..., None]
            series(f"ome {axes} {dtype}", file, [(f"in {axes}", stored)],
                   voxelSize={"x": 4.6, "y": 4.6, "z": 45, "unit": "nanometer"})

    rgb = pixels((3, HEIGHT, WIDTH, 3), "u1")
    for planar, data, axes in [("contig", rgb, "ZYXS"),
                               ("separate", numpy.moveaxis(rgb, -1, 1), "ZSYX")]:
        file = f"ome_rgb_{planar}.ome.tif"
        tifffile.imwrite(FOLDER / file, data, ome=True, photometric="rgb", planarconfig=planar,
                         metadata={"axes": axes, "Name": planar})
        series(f"ome rgb {planar}", file, [(planar, rgb[None, None])])

    first, second = pixels((3, HEIGHT, WIDTH), "u2"), pixels((2, 2, 21, 17), "u1")
    file = "ome_series.ome.tif"
    with tifffile.TiffWriter(FOLDER / file, ome=True) as tif:
        tif.write(first, metadata={"axes": "ZYX", "Name": "first"}, photometric="minisblack")
        tif.write(second, metadata={"axes": "TCYX", "Name": "second"}, photometric="minisblack")
    series("ome of two series", file,
           [("first", first[None, None, ..., None]), ("second", second[:, :, None, ..., None])])

    file = "ome_pyramid.ome.tif"
    stack = pixels((3, 64, 96), "u2")
    with tifffile.TiffWriter(FOLDER / file, ome=True) as tif:
        tif.write(stack, subifds=2, tile=(32, 32), metadata={"axes": "ZYX", "Name": "pyramid"},
                  photometric="minisblack")
        tif.write(stack[:, ::2, ::2], subfiletype=1, tile=(32, 32), photometric="minisblack")
        tif.write(stack[:, ::4, ::4], subfiletype=1, tile=(16, 16), photometric="minisblack")
    series("ome pyramid", file, [("pyramid", stack[None, None, ..., None])])


def ome_set():
    """Three files that name each other, each with one section of two channels."""
    array = pixels((2, 3, HEIGHT, WIDTH), "u2")
    names = [f"set_{z}.ome.tif" for z in range(3)]
    uuids = [f"urn:uuid:00000000-0000-0000-0000-00000000000{z}" for z in range(3)]
    data = "".join(
        f'<TiffData FirstC="{c}" FirstZ="{z}" FirstT="0" IFD="{c}" PlaneCount="1">'
        f'<UUID FileName="{names[z]}">{uuids[z]}</UUID></TiffData>'
        for z in range(3) for c in range(2)
    )
    for z in range(3):
        text = (
            '<?xml version="1.0" encoding="UTF-8"?>'
            '<OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06" '
            f'UUID="{uuids[z]}"><Image ID="Image:0" Name="set"><Pixels ID="Pixels:0" '
            f'DimensionOrder="XYCZT" Type="uint16" SizeX="{WIDTH}" SizeY="{HEIGHT}" SizeC="2" '
            f'SizeZ="3" SizeT="1"><Channel ID="Channel:0:0"/><Channel ID="Channel:0:1"/>{data}'
            "</Pixels></Image></OME>"
        )
        tifffile.imwrite(FOLDER / names[z], array[:, z], metadata=None, description=text,
                         photometric="minisblack")
    with tifffile.TiffFile(FOLDER / names[1]) as tif:
        assert numpy.array_equal(numpy.moveaxis(array, 0, 1), tif.series[0].asarray())
    series("a set of OME files", names[1], [("set", array[None, ..., None])])


def others():
    array = pixels((6, HEIGHT, WIDTH), "u2")
    tifffile.imwrite(FOLDER / "shaped.tif", array, truncate=True, photometric="minisblack")
    images("tifffile, truncated", "shaped.tif", array)
    with tifffile.TiffWriter(FOLDER / "reduced.tif") as tif:
        for index in range(3):
            tif.write(array[index], metadata=None, photometric="minisblack")
            tif.write(array[index, ::2, ::2], metadata=None, subfiletype=1,
                      photometric="minisblack")
    images("pages with reduced copies", "reduced.tif", array[:3])
    white = pixels((1, HEIGHT, WIDTH), "u1")
    tifffile.imwrite(FOLDER / "white.tif", white, photometric="miniswhite", metadata=None)
    images("white is zero", "white.tif", white)


every_kind()
jpegs()
by_pillow()
imagej()
huge()
ome()
ome_set()
others()
(FOLDER / "manifest.json").write_text(json.dumps(MANIFEST))
