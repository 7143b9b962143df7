"""
Validates the OME metadata of a volume, and of the labels in it, with ome-zarr-models.

    python validate_ome.py VOLUME.ome.zarr [--group labels/NAME]

Prints {"valid": ..., "version": ..., "groups": [{"path", "kind", "valid", "fault"}]}; exit code 1 if any
group is not valid. A group that says "image-label" is held to the rules of labels.
"""

import argparse
import json
import sys

import ome_zarr_models.v04
import ome_zarr_models.v05
import zarr

from _volume import ome_of, open_group


def validate(models, kind, group):
    """Validates one group as one kind of thing."""
    result = {"path": group.path, "kind": kind, "valid": True, "fault": None}
    try:
        getattr(models, kind).from_zarr(group)
    except Exception as error:  # Every way of being invalid has a class of its own.
        result |= {"valid": False, "fault": f"{type(error).__name__}: {error}"}
    return result


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("volume")
    parser.add_argument("--group", default="", help="path of a group inside the volume")
    options = parser.parse_args()

    group = open_group(options.volume, options.group)
    version, models = {
        2: ("0.4", ome_zarr_models.v04),
        3: ("0.5", ome_zarr_models.v05),
    }[group.metadata.zarr_format]
    ome = ome_of(group)
    groups = []
    if "labels" in ome:
        groups.append(validate(models, "Labels", group))
    else:
        groups.append(validate(models, "ImageLabel" if "image-label" in ome else "Image", group))
    if isinstance(group.get("labels"), zarr.Group):
        labels = group["labels"]
        groups.append(validate(models, "Labels", labels))
        for name in ome_of(labels).get("labels", []):
            groups.append(validate(models, "ImageLabel", labels[name]))
    valid = all(result["valid"] for result in groups)
    print(json.dumps({"valid": valid, "version": version, "groups": groups}))
    return 0 if valid else 1


if __name__ == "__main__":
    sys.exit(main())
