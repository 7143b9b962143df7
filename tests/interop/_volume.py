"""Opens OME-Zarr volumes of either version with zarr-python and tensorstore."""

import itertools

import tensorstore
import zarr


def open_group(path, group=""):
    """Opens the group of a volume, or of something inside it such as labels/NAME."""
    return zarr.open_group(path, path=group, mode="r")


def ome_of(group):
    """OME attributes of a group: those under "ome" in Zarr v3, all of them in Zarr v2."""
    attributes = group.attrs.asdict()
    return attributes["ome"] if group.metadata.zarr_format == 3 else attributes


def open_tensorstore(path, zarr_format):
    """Opens one array with tensorstore."""
    driver = {2: "zarr", 3: "zarr3"}[zarr_format]
    spec = {"driver": driver, "kvstore": {"driver": "file", "path": str(path)}}
    return tensorstore.open(spec, read=True, open=True).result()


def slabs(shape, step):
    """
    Cuts an array into slices whose bytes, one after the other, are those of the whole in C order.

    Only the slowest axis that is longer than 1 is cut, every `step[axis]` entries.
    """
    axis = next((i for i, size in enumerate(shape) if size > 1), len(shape) - 1)
    for start in range(0, shape[axis], step[axis]):
        cut = slice(start, min(start + step[axis], shape[axis]))
        yield tuple(cut if i == axis else slice(None) for i in range(len(shape)))


def planes(shape, names):
    """Every z of an array, with where its plane lies: all of c, y and x at the only t there is."""
    where = dict(zip(names, itertools.repeat(slice(None)), strict=False))
    if "t" in where:
        where["t"] = 0
    for z in range(shape[names.index("z")]):
        yield z, tuple({**where, "z": z}[name] for name in names)
