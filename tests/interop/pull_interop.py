"""
Reads what a pull wrote with tifffile and Pillow and compares every voxel, and the voxel size.

    pull_interop.py MANIFEST

The manifest is a list of {"path", "voxels", "dtype", "shape", "compression", "unit", "size"}: a file, its voxels
(t, z, c, y, x in C order, little-endian), and what it should say of itself.
"""

import json
import sys
from pathlib import Path

import numpy
import tifffile
from PIL import Image

# What Pillow opens as one channel: it knows no signed or wide integers but these.
PILLOW = {"uint8": "L", "uint16": "I;16", "int32": "I", "float32": "F"}


def check_tiff(path, expected, entry):
    """Voxels, order of pages and size by tifffile."""
    times, depth, channels, height, width = expected.shape
    with tifffile.TiffFile(path) as file:
        assert file.is_bigtiff == entry["big"], "BigTIFF"
        assert file.byteorder == "<"
        assert len(file.pages) == times * depth * channels, f"{len(file.pages)} pages"
        pages = numpy.stack([page.asarray() for page in file.pages]).reshape(expected.shape)
        assert pages.dtype == expected.dtype
        assert numpy.array_equal(pages, expected, equal_nan=expected.dtype.kind == "f"), "pages"
        page = file.pages[0]
        assert page.compression.name == entry["compression"], page.compression
        assert len(file.series) == 1, file.series
        series = file.series[0]
        assert file.is_imagej, "not taken for ImageJ's"
        sizes = {"T": times, "Z": depth, "C": channels, "Y": height, "X": width}
        axes = "".join(axis for axis in "TZC" if sizes[axis] > 1) + "YX"
        assert series.axes == axes, f"{series.axes} and not {axes}"
        assert series.shape == tuple(sizes[axis] for axis in axes), series.shape
        whole = series.asarray().reshape(expected.shape)
        assert numpy.array_equal(whole, expected, equal_nan=expected.dtype.kind == "f"), "series"
        metadata = file.imagej_metadata
        assert metadata["unit"] == entry["unit"], metadata
        x, y, z = entry["size"]
        assert abs(metadata["spacing"] - z) < 1e-9 * z, metadata
        for tag, edge in (("XResolution", x), ("YResolution", y)):
            above, below = page.tags[tag].value
            assert abs(below / above - edge) < 1e-9 * edge, f"{tag} {above}/{below}"


def check_pillow(path, expected):
    """Pages one by one by Pillow."""
    with Image.open(path) as image:
        mode = PILLOW[str(expected.dtype)]
        planes = expected.reshape(-1, *expected.shape[-2:])
        assert getattr(image, "n_frames", 1) == len(planes)
        for index, plane in enumerate(planes):
            image.seek(index)
            assert image.mode == mode, image.mode
            assert numpy.array_equal(numpy.asarray(image), plane), f"frame {index}"


def main():
    """Checks every file of a manifest."""
    entries = json.loads(Path(sys.argv[1]).read_text())
    by_pillow = 0
    for entry in entries:
        path = entry["path"]
        dtype = numpy.dtype(entry["dtype"]).newbyteorder("<")
        expected = numpy.fromfile(entry["voxels"], dtype).reshape(entry["shape"])
        try:
            if path.endswith(".tif"):
                check_tiff(path, expected, entry)
            compression = entry["compression"]
            # Pillow's own libtiff may lack zstd.
            if entry["dtype"] in PILLOW and compression != "ZSTD":
                check_pillow(path, expected)
                by_pillow += 1
        except Exception as error:
            raise SystemExit(f"{path} ({entry}): {type(error).__name__}: {error}") from error
    print(json.dumps({"files": len(entries), "pillow": by_pillow}))


if __name__ == "__main__":
    main()
