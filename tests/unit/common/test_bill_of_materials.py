"""The bill of what an image is made of."""

import base64
import hashlib
import json
from importlib.metadata import Distribution
from pathlib import Path

from videojob_common.bill_of_materials import bill
from videojob_contract.version import __version__

STATUS = """\
Package: libass9
Status: install ok installed
Architecture: amd64
Version: 1:0.17.1-1
Description: library for SSA subtitles
 Status: a line of its description

Package: removed
Status: deinstall ok config-files
Architecture: all
Version: 1
"""
LIBRARY = b"an encoder"
PARTS = [
    {"type": "library", "name": "libdrm", "version": "2.4", "purl": "pkg:rpm/libdrm@2.4", "bom-ref": "1"},
    {"type": "library", "name": "libdrm", "version": "2.4", "purl": "pkg:rpm/libdrm@2.4", "bom-ref": "2"},
]


def packages(folder: Path) -> list[Distribution]:
    """One package that brings libraries, and says what of."""
    info = folder / "Some_Codec-1.0.dist-info"
    (info / "sboms").mkdir(parents=True)
    (info / "METADATA").write_text(
        "Metadata-Version: 2.4\nName: Some_Codec\nVersion: 1.0\nLicense-Expression: BSD-3-Clause\n"
    )
    (info / "sboms" / "auditwheel.cdx.json").write_text(json.dumps({"components": PARTS}))
    digest = base64.urlsafe_b64encode(hashlib.sha256(LIBRARY).digest()).decode().rstrip("=")
    lines = (
        f"some_codec.libs/libx265.so.216,sha256={digest},9",
        f"{info.name}/sboms/auditwheel.cdx.json,,",
        "some_codec/__init__.py,,0",
    )
    (info / "RECORD").write_text("\n".join(lines) + "\n")
    return [Distribution.at(info)]


def test_it_has_the_packages_of_python_and_of_debian_and_the_libraries_in_them(tmp_path: Path) -> None:
    document = bill("videojob-worker", packages(tmp_path), STATUS)
    assert (document["bomFormat"], document["specVersion"]) == ("CycloneDX", "1.6")
    assert document["metadata"]["component"] == {"type": "container", "name": "videojob-worker", "version": __version__}
    debian, python = document["components"]
    assert debian == {
        "type": "library",
        "name": "libass9",
        "version": "1:0.17.1-1",
        "purl": "pkg:deb/debian/libass9@1%3A0.17.1-1?arch=amd64",
    }
    assert (python["purl"], python["licenses"]) == ("pkg:pypi/some-codec@1.0", [{"expression": "BSD-3-Clause"}])
    assert python["components"] == [
        {"type": "library", "name": "libdrm", "version": "2.4", "purl": "pkg:rpm/libdrm@2.4"},
        {
            "type": "file",
            "name": "some_codec.libs/libx265.so.216",
            "hashes": [{"alg": "SHA-256", "content": hashlib.sha256(LIBRARY).hexdigest()}],
        },
    ]


def test_the_same_image_has_the_same_bill(tmp_path: Path) -> None:
    there = [*packages(tmp_path), Distribution.at(tmp_path / "Some_Codec-1.0.dist-info")]
    assert bill("a", there, STATUS) == bill("a", there[:1], STATUS)


def test_a_base_without_dpkg_has_a_bill_too(tmp_path: Path) -> None:
    assert [each["name"] for each in bill("a", packages(tmp_path), "")["components"]] == ["some-codec"]
