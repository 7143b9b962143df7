"""
Reads every scale of an OME-Zarr volume with zarr-python and with tensorstore, and prints what they found.

    python read_zarr.py VOLUME.ome.zarr [--group labels/NAME] [--against SECTION.tif ...]

Exit code 1 if the two readers differ in a voxel, or the volume differs from the sections.
"""

import argparse
import hashlib
import json
import sys
import warnings
from pathlib import Path

import imagecodecs
import numpy as np
import tifffile

from _volume import ome_of, open_group, open_tensorstore, planes, slabs


def sha256(array, shape, step):
    """Hash of an array's bytes in C order, little-endian."""
    digest = hashlib.sha256()
    for where in slabs(shape, step):
        part = np.ascontiguousarray(array[where])
        digest.update(part.astype(part.dtype.newbyteorder("<"), copy=False).data)
    return digest.hexdigest()


def describe(group, folder, path):
    """One scale, read by both."""
    array = group[path]
    other = open_tensorstore(folder / path, array.metadata.zarr_format)
    step = array.shards or array.chunks
    names = getattr(array.metadata, "dimension_names", None)
    return {
        "path": path,
        "shape": list(array.shape),
        "dtype": str(array.dtype),
        "chunks": list(array.chunks),
        "shards": list(array.shards) if array.shards else None,
        "dimension_names": list(names) if names else None,
        "fill_value": array.fill_value.item(),
        "zarr": {"sha256": sha256(array, array.shape, step)},
        "tensorstore": {
            "shape": list(other.shape),
            "dtype": other.dtype.name,
            "chunks": list(other.chunk_layout.read_chunk.shape),
            "shards": list(other.chunk_layout.write_chunk.shape),
            "dimension_names": list(other.domain.labels),
            "sha256": sha256(TensorstoreArray(other), other.shape, step),
        },
    }


class TensorstoreArray:
    """Indexing that reads at once."""

    def __init__(self, store):
        self.store = store

    def __getitem__(self, where):
        return self.store[where].read().result()


def read_sections(files):
    """The planes of some files, y by x or y by x by samples, in the order given."""
    for file in files:
        if file.endswith(".png"):
            yield imagecodecs.png_decode(Path(file).read_bytes())
            continue
        with tifffile.TiffFile(file) as tiff:
            for page in tiff.pages:
                yield page.asarray()


def compare(array, names, files):
    """Counts the voxels of scale 0 that differ from the files."""
    found = {"files": len(files), "sections": 0, "voxels": 0, "unequal": 0, "first_unequal": None}
    sections = read_sections(files)
    for z, where in planes(array.shape, names):
        plane = array[where]
        section = next(sections, None)
        if section is None:
            return {**found, "fault": f"the files end before section {z}"}
        if "c" in names:
            section = np.moveaxis(np.atleast_3d(section), 2, 0)
        if section.shape != plane.shape or section.dtype != plane.dtype:
            fault = f"section {z} is {section.dtype} {section.shape}, the volume {plane.dtype} {plane.shape}"
            return {**found, "fault": fault}
        unequal = section != plane
        count = int(np.count_nonzero(unequal))
        if count > 0 and found["first_unequal"] is None:
            found["first_unequal"] = [z, *(int(i) for i in np.argwhere(unequal)[0])]
        found["sections"] += 1
        found["voxels"] += section.size
        found["unequal"] += count
    if next(sections, None) is not None:
        return {**found, "fault": "the files hold more sections than the volume"}
    return found


def recorded(act):
    """Does something and keeps the warnings it raised."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        result = act()
    return result, [f"{item.category.__name__}: {item.message}" for item in caught]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("volume")
    parser.add_argument("--group", default="", help="path of a group inside the volume")
    parser.add_argument("--against", nargs="+", metavar="FILE", help="the sections, in order")
    options = parser.parse_args()

    group, on_open = recorded(lambda: open_group(options.volume, options.group))
    members, on_list = recorded(lambda: sorted(name for name, _ in group.members()))
    deep, on_walk = recorded(lambda: sorted(name for name, _ in group.members(max_depth=None)))
    ome = ome_of(group)
    multiscale = ome["multiscales"][0]
    folder = Path(options.volume, options.group)
    scales, on_read = recorded(
        lambda: [describe(group, folder, dataset["path"]) for dataset in multiscale["datasets"]]
    )
    same = all(scale["zarr"]["sha256"] == scale["tensorstore"]["sha256"] for scale in scales)
    result = {
        "zarr_format": group.metadata.zarr_format,
        "ome": ome,
        "members": members,
        "all_members": deep,
        "warnings": {"open": on_open, "members": on_list, "all_members": on_walk, "read": on_read},
        "scales": scales,
        "readers_agree": same,
    }
    if options.against:
        names = [axis["name"] for axis in multiscale["axes"]]
        result["against"] = compare(group[scales[0]["path"]], names, options.against)
        same = same and result["against"]["unequal"] == 0 and "fault" not in result["against"]
    print(json.dumps(result))
    return 0 if same else 1


if __name__ == "__main__":
    sys.exit(main())
