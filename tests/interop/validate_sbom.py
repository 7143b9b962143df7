"""
Validates a list of parts with the CycloneDX project's own Python library, strictly: nothing unknown may be in it.

    python validate_sbom.py PARTS.cdx.json

Prints "valid", or what is wrong.
"""

import sys

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

with open(sys.argv[1], encoding="utf-8") as file:
    fault = JsonStrictValidator(SchemaVersion.V1_5).validate_str(file.read())
print("valid" if fault is None else fault)
