"""intern against a Boss: resources, metadata and cutouts. Prints what it found as JSON.

Usage: serve_boss_intern.py URL TOKEN_FILE FOLDER
"""
import json
import sys
from pathlib import Path

import numpy as np
import requests
from intern.remote.boss import BossRemote
from intern.resource.boss.resource import (
    ChannelResource,
    CollectionResource,
    CoordinateFrameResource,
    ExperimentResource,
)
from requests import HTTPError

url, token_file, folder = sys.argv[1], sys.argv[2], Path(sys.argv[3])
protocol, host = url.split("://")
token = Path(token_file).read_text().strip()
boss = BossRemote({"protocol": protocol, "host": host, "token": token})
nobody = BossRemote({"protocol": protocol, "host": host, "token": "public"})


def refused(work):
    """The status of an answer that is no success."""
    try:
        work()
    except HTTPError as error:
        return error.response.status_code
    return None


found = {}
boss.create_project(CollectionResource("lab", "of a test"))
boss.create_project(
    CoordinateFrameResource("frame", "", 0, 1300, 0, 700, 0, 40, 4, 5, 40.5, "nanometers")
)
boss.create_project(ExperimentResource("exp", "lab", "frame", "", 3, "anisotropic", 3))
boss.create_project(ChannelResource("em", "lab", "exp", "image", "", 0, "uint16"))
boss.create_project(
    ChannelResource("cells", "lab", "exp", "annotation", "", 0, "uint64", sources=["em"])
)
found["twice"] = refused(lambda: boss.create_project(CollectionResource("lab")))
found["lists"] = [
    boss.list_collections(),
    boss.list_coordinate_frames(),
    boss.list_experiments("lab"),
    boss.list_channels("lab", "exp"),
]
frame = boss.get_project(CoordinateFrameResource("frame"))
found["frame"] = [frame.x_stop, frame.y_stop, frame.z_stop, frame.z_voxel_size, frame.voxel_unit]
experiment = boss.get_project(ExperimentResource("exp", "lab", "frame"))
found["experiment"] = [experiment.num_hierarchy_levels, experiment.num_time_samples]
found["absent"] = refused(lambda: boss.get_project(CollectionResource("nobody")))

collection = boss.get_project(CollectionResource("lab"))
collection.description = "changed"
boss.update_project("lab", collection)
found["changed"] = boss.get_project(CollectionResource("lab")).description

em = boss.get_channel("em", "lab", "exp")
boss.create_metadata(em, {"offsets": "[64, 0, 3]", "b": "2"})
boss.update_metadata(em, {"b": "3"})
found["metadata"] = [sorted(boss.list_metadata(em)), boss.get_metadata(em, ["b", "offsets"])]
boss.delete_metadata(em, ["b"])
found["metadata"].append(boss.list_metadata(em))

random = np.random.default_rng(7)
# Across cuboids along every axis, and whole in none.
voxels = random.integers(1, 60000, (21, 37, 600), dtype=np.uint16)
boss.create_cutout(em, 0, [500, 1100], [490, 527], [10, 31], voxels)
there = boss.get_cutout(em, 0, [500, 1100], [490, 527], [10, 31], parallel=False)
found["same"] = bool((there == voxels).all())
wide = boss.get_cutout(em, 0, [480, 1120], [480, 540], [8, 33], parallel=False)
found["around"] = [int(wide[2:23, 10:47, 20:620].sum()), int(wide.sum()), int(voxels.sum())]
# A zero changes nothing, as in the Boss.
patch = np.zeros((1, 2, 4), np.uint16)
patch[0, 0, 0] = 9
boss.create_cutout(em, 0, [600, 604], [500, 502], [12, 13], patch)
expected = voxels.copy()
expected[2, 10, 100] = 9
there = boss.get_cutout(em, 0, [500, 1100], [490, 527], [10, 31], parallel=False)
found["overlay"] = bool((there == expected).all())
boss.create_cutout_to_black(em, 0, [600, 604], [500, 502], [12, 13])
expected[2, 10:12, 100:104] = 0
there = boss.get_cutout(em, 0, [500, 1100], [490, 527], [10, 31], parallel=False)
found["black"] = bool((there == expected).all())
# Large enough that intern asks in pieces, in processes of its own.
pieces = boss.get_cutout(em, 0, [0, 1300], [0, 700], [0, 40])
found["pieces"] = bool((pieces[10:31, 490:527, 500:1100] == expected).all())
expected.tofile(folder / "em.raw")

times = random.integers(1, 60000, (2, 3, 5, 7), dtype=np.uint16)
boss.create_cutout(em, 0, [3, 10], [1, 6], [36, 39], times, [1, 3])
there = boss.get_cutout(em, 0, [3, 10], [1, 6], [36, 39], [1, 3])
found["times"] = bool((there == times).all())

cells = boss.get_channel("cells", "lab", "exp")
labels = random.integers(1, 5, (4, 6, 8)).astype(np.uint64) + np.uint64(2**53 + 1)
boss.create_cutout(cells, 0, [508, 516], [0, 6], [14, 18], labels)
there = boss.get_cutout(cells, 0, [508, 516], [0, 6], [14, 18])
found["labels"] = bool((there == labels).all())
one = int(labels[0, 0, 0])
there = boss.get_cutout(cells, 0, [508, 516], [0, 6], [14, 18], id_list=[one])
found["filter"] = bool((there == np.where(labels == one, labels, 0)).all())
coarse = np.full((3, 4, 5), 7, np.uint16)
boss.create_cutout(em, 1, [10, 15], [20, 24], [0, 3], coarse)
found["coarse"] = bool((boss.get_cutout(em, 1, [10, 15], [20, 24], [0, 3]) == coarse).all())

found["refused"] = {
    "beyond": refused(lambda: boss.get_cutout(em, 0, [0, 1301], [0, 1], [0, 1])),
    "level": refused(lambda: boss.get_cutout(em, 3, [0, 1], [0, 1], [0, 1])),
    "dtype": refused(
        lambda: boss.create_cutout(em, 0, [0, 4], [0, 4], [0, 4], np.ones((4, 4, 4), np.uint8))
    ),
    "nobody": refused(lambda: nobody.get_cutout(em, 0, [0, 1], [0, 1], [0, 1])),
    "full": refused(lambda: boss.delete_project(CollectionResource("lab"))),
}


for path in ["collection/lab", "collection/lab/experiment/exp", "collection/lab/experiment/exp/channel/em"]:
    answer = requests.put(
        f"{url}/v1/{path}", json={"public": True}, headers={"Authorization": f"Token {token}"}
    )
    answer.raise_for_status()
there = nobody.get_cutout(em, 0, [500, 1100], [490, 527], [10, 31], parallel=False)
found["public"] = bool((there == expected).all())

boss.create_project(ChannelResource("gone", "lab", "exp", "image", "", 0, "uint8"))
gone = boss.get_channel("gone", "lab", "exp")
boss.create_cutout(gone, 0, [0, 2], [0, 2], [0, 2], np.ones((2, 2, 2), np.uint8))
boss.delete_project(gone)
found["gone"] = refused(lambda: boss.get_project(gone))
print(json.dumps(found))
