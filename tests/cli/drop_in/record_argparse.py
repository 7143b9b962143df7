"""Records what boss-ingest 0.12 and prep_ingest make of command lines.

.venv-boss/bin/python tests/cli/drop_in/record_argparse.py > tests/cli/drop_in/answers/argparse.json
"""
import contextlib
import io
import json
import os
import sys
import warnings

warnings.simplefilter("ignore")
os.environ["COLUMNS"] = "80"
from ingestclient import client, prep_ingest

INGEST = [
    [],
    ["job.json"],
    ["-j", "042", "job.json"],
    ["job.json", "-j", "42", "-p", "4"],
    ["job.json", "-j42", "-p4"],
    ["job.json", "--job-id=42", "--processes_nb=4"],
    ["job.json", "-p=4"],
    ["job.json", "-j=42"],
    ["--job", "42", "--proc", "4", "--ramp", "0", "job.json"],
    ["--api", "word", "--man", "--fo", "--can", "-j", "1"],
    ["-fmc", "-j", "7"],
    ["-fmp4", "job.json"],
    ["-fmj", "7", "job.json"],
    ["-fj7", "job.json"],
    ["-mf-", "job.json"],
    ["-fx", "job.json"],
    ["--force=yes", "job.json"],
    ["--force=", "job.json"],
    ["-f=", "job.json"],
    ["--log", "x", "job.json"],
    ["--log-l=info", "job.json"],
    ["--log-f", "x.log", "job.json"],
    ["--ver"],
    ["-v", "debug", "job.json"],
    ["-vdebug", "job.json"],
    ["-p", "x", "job.json"],
    ["-p", "1.5", "job.json"],
    ["-p", "1_000", "job.json"],
    ["-p", "-3", "job.json"],
    ["-p", "+3", "job.json"],
    ["-p", " 3 ", "job.json"],
    ["-p", "", "job.json"],
    ["-p", "it's", "job.json"],
    ["-p", 'say "it\'s"', "job.json"],
    ["-p"],
    ["job.json", "-j"],
    ["-j", "-f", "job.json"],
    ["-j", "--", "42"],
    ["-j", "-42", "job.json"],
    ["-j", "-a b", "job.json"],
    ["-a", "", "job.json"],
    ["-j", "1", "-j", "2", "job.json"],
    ["--", "job.json"],
    ["--", "-f"],
    ["-f", "--", "job.json", "other.json"],
    ["a.json", "b.json"],
    ["a.json", "-f", "b.json"],
    ["-f", "a.json", "-m", "b.json", "c.json"],
    ["--processes-nb", "4", "job.json"],
    ["--nothing", "job.json"],
    ["-z", "job.json"],
    ["-", "-f"],
    ["-1"],
    ["-1.5", "x"],
    ["a b", "-f"],
    ["-q b", "-f"],
    ["--c", "-j", "1"],
    ["--f", "job.json"],
    ["--r", "3", "job.json"],
    ["--h"],
    ["-h", "-p", "x"],
    ["-p", "x", "-h"],
    ["@file", "-f"],
]

PREP = [
    [],
    ["prep.json"],
    ["-i", "my.cfg", "prep.json"],
    ["-imy.cfg", "prep.json"],
    ["--intern_cfg=my.cfg", "--write", "--gov", "prep.json"],
    ["--intern", "my.cfg", "prep.json"],
    ["prep.json", "more.json"],
    ["--writecfg"],
    ["--writecfg=1", "prep.json"],
    ["-x", "prep.json"],
    ["@words.txt"],
    ["@words.txt", "-i", "last.cfg"],
    ["@nested.txt"],
    ["@no_such.txt"],
    ["--", "@words.txt"],
]

FILES = {
    "words.txt": "-i\nfirst.cfg\n--writecfg\nmy prep.json\n",
    "nested.txt": "--govteam\r\n@words.txt",
}


def ask(parse):
    said = io.StringIO()
    try:
        with contextlib.redirect_stderr(said), contextlib.redirect_stdout(io.StringIO()):
            return {"given": vars(parse())}
    except SystemExit as end:
        line = said.getvalue().strip().splitlines()[-1:]
        return {"code": end.code, "error": line[0] if line else ""}


def ask_prep(words):
    sys.argv = ["prep_ingest", *words]
    return prep_ingest.parse_args()


def usage_of_prep():
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.suppress(SystemExit):
        ask_prep(["-h"])
    return said.getvalue().split("\n\n")[0]


sys.argv = ["boss-ingest"]
parser = client.get_parser()
usage = parser.format_usage().rstrip()
ingest = [{"words": words, **ask(lambda: parser.parse_args(words))} for words in INGEST]
for name, text in FILES.items():
    with open(name, "w", newline="") as file:
        file.write(text)
prep = [{"words": words, **ask(lambda: ask_prep(words))} for words in PREP]
for name in FILES:
    os.remove(name)
json.dump(
    {
        "boss-ingest": {"usage": usage, "calls": ingest},
        "prep_ingest": {"usage": usage_of_prep(), "files": FILES, "calls": prep},
    },
    sys.stdout,
    indent=1,
)
print()
