"""The fonts of a job: those installed for all users, by name, and those that the spec names by URI.

A file of a user's is hostile. It is recognised by its first bytes and bounded in size before FreeType sees it, is
known to this job alone, and under a name of our own, so that it cannot stand in for an installed font.
"""

import ctypes
import re
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from importlib.resources import files
from pathlib import Path
from typing import Any, Final
from xml.etree import ElementTree as ET

from videojob_contract.errors import PermanentError, Reason
from videojob_contract.resources.text import is_font_uri
from videojob_worker.media.files.source import Source
from videojob_worker.system_libraries import path_bytes
from videojob_worker.text.pango import (
    FC_FAMILY,
    FC_SET_APPLICATION,
    FC_SET_SYSTEM,
    FONT_MASK_FAMILY,
    FONT_MASK_SIZE,
    FONT_TYPE_FT,
    fontconfig,
    pango,
    pangocairo,
    pangoft,
)

DEFAULT_FONT: Final = "sans-serif"
MAX_FONT_BYTES: Final = 32 * 1024**2
"""Largest font file; the largest of CJK have 20 MB."""

CONFIGURATION: Final = Path(str(files("videojob_worker.text") / "fonts.conf"))
"""Which fonts there are, for Fontconfig."""
_EMOJI: Final = CONFIGURATION.with_name("emoji.conf")

_SFNT: Final = (b"\x00\x01\x00\x00", b"OTTO", b"true", b"ttcf")
_WOFF: Final = (b"wOFF", b"wOF2")
_NAME: Final = re.compile(r"[^,{}\\\x00-\x1f\x7f]{1,100}")
_SHOWN_FAMILIES: Final = 60


@dataclass(frozen=True, slots=True)
class Face:
    """A font as it is asked for: by Pango with `description`, by libass with the other fields."""

    description: str
    """Family and style, as Pango reads them; without a size."""
    family: str
    weight: int = 400
    italic: bool = False
    path: Path | None = None
    """The file of a font that is not installed."""


class Fonts:
    """The fonts of one job; they live as long as the process, which renders one.

    `files` has the local file of each URI. Nothing is loaded before a font is asked for.
    """

    def __init__(self, files: Mapping[str, Path]) -> None:
        self._files = files
        self._added: dict[str, Face] = {}
        self.lock = threading.RLock()
        """Held while the font map is used: Pango's is not safe for threads."""

    @cached_property
    def font_map(self) -> Any:
        """The `PangoFontMap` of these fonts and no others."""
        font_map = pangocairo().pango_cairo_font_map_new_for_font_type(FONT_TYPE_FT)
        pangoft().pango_fc_font_map_set_config(font_map, self._config)
        return font_map

    @cached_property
    def families(self) -> tuple[str, ...]:
        """Names of the installed families."""
        return tuple(sorted({name for names in _names(self._config, FC_SET_SYSTEM) for name in names[:1]}))

    def face(self, field: str, font: str | None) -> Face:
        """Return the font that a field names; the default if it names none.

        Raises:
            PermanentError: there is none of that name, or the file is not a font.
        """
        with self.lock:
            if font is not None and is_font_uri(font):
                if font not in self._added:
                    self._added[font] = self._add(Source(field, font, self._files[font]))
                return self._added[font]
            return self._named(field, font or DEFAULT_FONT)

    @cached_property
    def _config(self) -> Any:
        library = fontconfig()
        config = library.FcConfigCreate()
        for path in (CONFIGURATION, _EMOJI):
            if not library.FcConfigParseAndLoad(config, path_bytes(path), 1):
                raise PermanentError(f"fontconfig cannot read {path}", Reason.NOT_SUPPORTED)
        library.FcConfigBuildFonts(config)
        if not any(True for _ in _names(config, FC_SET_SYSTEM)):
            raise PermanentError(
                "text cannot be drawn here: no fonts are installed in /usr/share/fonts; "
                "install some: apt-get install --no-install-recommends fonts-open-sans fonts-dejavu-core",
                Reason.NOT_SUPPORTED,
            )
        return config

    @cached_property
    def _known(self) -> frozenset[str]:
        installed = {name.casefold() for names in _names(self._config, FC_SET_SYSTEM) for name in names}
        return frozenset(installed | _aliases())

    def _named(self, field: str, name: str) -> Face:
        library = pango()
        if name.casefold() in self._known:  # the family alone, even if it ends like a style or a size
            return Face(f"{name},", name)
        description = library.pango_font_description_from_string(name.encode())
        try:
            given = library.pango_font_description_get_set_fields(description)
            family = (library.pango_font_description_get_family(description) or b"").decode()
            weight = library.pango_font_description_get_weight(description)
            italic = library.pango_font_description_get_style(description) != 0
        finally:
            library.pango_font_description_free(description)
        if given & FONT_MASK_FAMILY and family.casefold() in self._known:
            if given & FONT_MASK_SIZE:
                raise PermanentError(f'{field}: "{name}" ends in a size; give it as `size`', Reason.INVALID_SPEC)
            return Face(name, family, weight, italic)
        there = ", ".join(self.families[:_SHOWN_FAMILIES])
        raise PermanentError(f'{field}: there is no font "{name}" here; there are {there}', Reason.INVALID_SPEC)

    def _add(self, source: Source) -> Face:
        _check_file(source)
        library = fontconfig()
        before = len(list(_names(self._config, FC_SET_APPLICATION)))
        if not library.FcConfigAppFontAddFile(self._config, path_bytes(source.path)):
            raise source.error("is a damaged font")
        names = list(_names(self._config, FC_SET_APPLICATION))[before:]
        if not names or not names[0]:
            raise source.error("is a font without a name")
        if not _NAME.fullmatch(names[0][0]):  # it goes into a script for libass, as one field of one line
            raise source.error("is a font with commas, braces or control characters in its name")
        ours = f"videojob font {len(self._added) + 1}"
        fonts = library.FcConfigGetFonts(self._config, FC_SET_APPLICATION).contents
        for index in range(before, fonts.nfont):
            library.FcPatternDel(fonts.fonts[index], FC_FAMILY)
            library.FcPatternAddString(fonts.fonts[index], FC_FAMILY, ours.encode())
        return Face(f"{ours},", names[0][0], path=source.path)


def _names(config: Any, which: int) -> Iterator[list[str]]:
    """Yield the family's names of each face in a set of a configuration."""
    library = fontconfig()
    found = library.FcConfigGetFonts(config, which)
    if not found:
        return
    fonts = found.contents
    for index in range(fonts.nfont):
        names: list[str] = []
        value = ctypes.c_char_p()
        while library.FcPatternGetString(fonts.fonts[index], FC_FAMILY, len(names), ctypes.byref(value)) == 0:
            names.append((value.value or b"").decode(errors="replace"))
        yield names


@cache
def _aliases() -> frozenset[str]:
    """Return the names that the configuration has for other fonts: `serif`, `Arial`."""
    root = ET.parse(CONFIGURATION).getroot()  # noqa: S314 - our own file
    return frozenset((alias.findtext("family") or "").casefold() for alias in root.iter("alias"))


def _check_file(source: Source) -> None:
    size = source.path.stat().st_size
    if size > MAX_FONT_BYTES:
        limit = MAX_FONT_BYTES // 1024**2
        raise source.error(f"has {size} bytes; a font has at most {limit} MiB", Reason.SOURCE_TOO_LARGE)
    with source.path.open("rb") as file:
        start = file.read(4)
    if start in _WOFF:
        raise source.error("is a web font (WOFF); convert it to TrueType or OpenType")
    if start not in _SFNT:
        raise source.error("is not a TrueType or OpenType font")
