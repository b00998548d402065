"""What an image is made of, as CycloneDX 1.6, for `python -m videojob_common.bill_of_materials IMAGE`.

Scanners of images read it, and it says what they cannot see for themselves: the libraries within Python packages, such
as FFmpeg. The same image gives the same text.
"""

import base64
import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from importlib.metadata import Distribution, distributions
from pathlib import Path
from typing import Any
from urllib.parse import quote

from videojob_contract.version import __version__

DPKG_STATUS = Path("/var/lib/dpkg/status")
_KEPT = ("type", "name", "version", "purl", "licenses", "hashes")
"""Of what a package says of its own parts: what all versions of CycloneDX have alike."""

Component = dict[str, Any]


def bill(image: str, packages: Iterable[Distribution], status: str) -> Component:
    """Return the bill of `image`: of Python packages, and of Debian's by the text of dpkg's status file."""
    components = _distinct([*map(_python, packages), *_debian(status)])
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": {"type": "container", "name": image, "version": __version__}},
        "components": sorted(components, key=lambda each: (each["purl"], each["version"])),
    }


def _python(package: Distribution) -> Component:
    metadata = package.metadata
    name = metadata["Name"].lower().replace("_", "-")
    component: Component = {"type": "library", "name": name, "version": package.version}
    component["purl"] = f"pkg:pypi/{quote(name)}@{quote(package.version)}"
    if license_name := metadata.json.get("license_expression"):
        component["licenses"] = [{"expression": license_name}]
    if parts := _distinct([*_told_parts(package), *_libraries(package)]):
        component["components"] = parts
    return component


def _told_parts(package: Distribution) -> Iterator[Component]:
    """What the package's own bills say (PEP 770)."""
    for file in package.files or ():
        if file.parent.name == "sboms" and file.suffix == ".json":
            for part in json.loads(file.read_text()).get("components", ()):
                yield {name: part[name] for name in _KEPT if name in part}


def _libraries(package: Distribution) -> Iterator[Component]:
    """The shared libraries that were put into the package beside its own code, with the hashes that it came with."""
    for file in package.files or ():
        if file.parent.name.endswith(".libs") and file.hash:
            digest = base64.urlsafe_b64decode(file.hash.value + "=").hex()
            yield {"type": "file", "name": str(file), "hashes": [{"alg": "SHA-256", "content": digest}]}


def _distinct(components: list[Component]) -> list[Component]:
    """The same without what is there already: a package names a library once for each place that it took it from."""
    return list({json.dumps(each, sort_keys=True): each for each in components}.values())


def _debian(status: str) -> Iterator[Component]:
    for paragraph in status.split("\n\n"):
        fields = _fields(paragraph)
        if fields.get("Status") == "install ok installed":
            name, version = fields["Package"], fields["Version"]
            purl = f"pkg:deb/debian/{quote(name)}@{quote(version)}?arch={fields['Architecture']}"
            yield {"type": "library", "name": name, "version": version, "purl": purl}


def _fields(paragraph: str) -> Mapping[str, str]:
    lines = (line.partition(": ") for line in paragraph.splitlines() if not line.startswith(" "))
    return {name: value for name, _, value in lines}


def main() -> None:
    """Write the bill of the image that this runs in; its name is the one argument."""
    status = DPKG_STATUS.read_text() if DPKG_STATUS.exists() else ""
    json.dump(bill(sys.argv[1], distributions(), status), sys.stdout, indent=1, sort_keys=True)


if __name__ == "__main__":
    main()
