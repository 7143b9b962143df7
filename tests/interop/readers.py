"""Which programs really read volumes: opens each with each, and reads every voxel of every scale.

Takes a file with a list of {"path", "format"}; prints a list of {reader: "" where it read it, else why not}.
"""

import json
import pathlib
import sys
import warnings

import numpy as np
import tensorstore
import zarr

warnings.filterwarnings("ignore")


def document(path, name):
    file = pathlib.Path(path) / name
    return json.loads(file.read_text()) if file.exists() else None


def arrays_of(path, kind):
    """Paths of the arrays of a volume, finest first."""
    if kind == "n5":
        attributes = document(path, "attributes.json") or {}
        if "dimensions" in attributes:
            return [path]
        return sorted(str(folder.parent) for folder in pathlib.Path(path).glob("s*/attributes.json"))
    v3 = document(path, "zarr.json")
    if v3 is not None and v3["node_type"] == "array" or document(path, ".zarray") is not None:
        return [path]
    attributes = v3["attributes"].get("ome", v3["attributes"]) if v3 else document(path, ".zattrs")
    return [f"{path}/{one['path']}" for one in attributes["multiscales"][0]["datasets"]]


def by_zarr(path, kind):
    for array in arrays_of(path, kind):
        np.asarray(zarr.open_array(array, mode="r")[...])


def by_tensorstore(path, kind):
    if kind == "precomputed":
        count = len(document(path, "info")["scales"])
        specs = [
            {"driver": "neuroglancer_precomputed", "kvstore": f"file://{path}/", "scale_index": i}
            for i in range(count)
        ]
    else:
        version = "3" if kind == "zarr" and pathlib.Path(arrays_of(path, kind)[0], "zarr.json").exists() else ""
        driver = "n5" if kind == "n5" else f"zarr{version}"
        specs = [
            {"driver": driver, "kvstore": f"file://{array}/"} for array in arrays_of(path, kind)
        ]
    for spec in specs:
        tensorstore.open(spec, open=True).result().read().result()


def by_cloudvolume(path, kind):
    from cloudvolume import CloudVolume

    scheme = "precomputed"
    if kind == "zarr":
        scheme = "zarr3" if document(path, "zarr.json") is not None else "zarr2"
    address = f"{scheme}://file://{path}"
    for mip in range(len(CloudVolume(address).available_mips)):
        volume = CloudVolume(address, mip=mip, fill_missing=True, progress=False, bounded=True)
        np.asarray(volume[volume.bounds.to_slices()])


READERS = {"zarr-python": by_zarr, "tensorstore": by_tensorstore, "cloud-volume": by_cloudvolume}


def attempt(read, path, kind):
    try:
        read(path, kind)
        return ""
    except Exception as error:  # pylint: disable=broad-except
        return f"{type(error).__name__}: {error}"[:300]


def main():
    asked = json.loads(pathlib.Path(sys.argv[1]).read_text())
    print(
        json.dumps(
            [
                {
                    name: attempt(READERS[name], one["path"], one["format"])
                    for name in one["readers"]
                }
                for one in asked
            ]
        )
    )


main()
