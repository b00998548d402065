"""Writes HEIF files for tests, box by box, of tiles that libx265 encodes: any layout, right or wrong."""

import io
import struct
from collections.abc import Sequence
from fractions import Fraction
from typing import NamedTuple

import av
import numpy as np
from av.bitstream import BitStreamFilterContext
from PIL import Image

ALPHA = b"urn:mpeg:mpegB:cicp:systems:auxiliary:alpha\0"


class Item(NamedTuple):
    kind: bytes
    data: bytes
    properties: tuple[bytes, ...] = ()
    references: tuple[tuple[bytes, tuple[int, ...]], ...] = ()


def box(name: bytes, *content: bytes) -> bytes:
    whole = b"".join(content)
    return struct.pack(">I", len(whole) + 8) + name + whole


def full_box(name: bytes, version: int, *content: bytes, flags: int = 0) -> bytes:
    return box(name, struct.pack(">I", version << 24 | flags), *content)


def ispe(width: int, height: int) -> bytes:
    return full_box(b"ispe", 0, struct.pack(">II", width, height))


def nclx(primaries: int, transfer: int, matrix: int, *, is_full: bool) -> bytes:
    return box(b"colr", b"nclx", struct.pack(">HHHB", primaries, transfer, matrix, is_full << 7))


def profile(content: bytes) -> bytes:
    return box(b"colr", b"prof", content)


def irot(quarters: int) -> bytes:
    return box(b"irot", bytes((quarters,)))


def imir(axis: int) -> bytes:
    return box(b"imir", bytes((axis,)))


def clap(width: Fraction, height: Fraction, right: Fraction, down: Fraction) -> bytes:
    numbers = [part for value in (width, height, right, down) for part in value.as_integer_ratio()]
    return box(b"clap", struct.pack(">iIiIiIiI", *numbers))


def hevc(
    image: Image.Image,
    *,
    pixels: str = "yuv444p",
    matrix: str = "bt601",
    is_full: bool = True,
    hidden: int = 0,
    between: int = 0,
) -> Item:
    """A picture in H.265 without loss but that of its conversion, less so many pixels at its right and at its foot.

    Its decoder is told to wait for so many frames between others.
    """
    file = io.BytesIO()
    frame = av.VideoFrame.from_ndarray(np.asarray(image.convert("RGB")), format="rgb24")
    names = {"bt601": 5, "bt709": 1, "bt2020": 9}
    with av.open(file, "w", format="mp4") as container:
        settings = f"lossless=1:bframes={between}:log-level=none"
        stream = container.add_stream("libx265", rate=1, options={"preset": "ultrafast", "x265-params": settings})
        stream.width, stream.height, stream.pix_fmt = image.width, image.height, pixels
        stream.codec_context.codec_tag = "hvc1"
        stream.codec_context.color_range = 2 if is_full else 1
        graph = av.filter.Graph()
        steps = [
            graph.add_buffer(
                template=None, width=image.width, height=image.height, format=frame.format, time_base=Fraction(1)
            ),
            graph.add(
                "scale", f"out_color_matrix={matrix}:out_range={'full' if is_full else 'limited'}:flags=accurate_rnd"
            ),
            graph.add("format", f"pix_fmts={pixels}"),
            graph.add("buffersink"),
        ]
        graph.link_nodes(*steps).configure()
        graph.push(frame)
        converted = graph.pull()
        converted.pts, converted.time_base = 0, Fraction(1)
        converted.colorspace = names[matrix] if pixels != "gbrp" else 0
        for packet in (*stream.encode(converted), *stream.encode()):
            packet.pts = packet.dts = 0  # a single frame, of which x265 says what mp4 cannot hold
            container.mux(packet)
    content = _cropped(file, hidden) if hidden else file.getvalue()
    at = content.index(b"hvcC") - 4
    configuration = content[at : at + int.from_bytes(content[at : at + 4])]
    with av.open(io.BytesIO(content)) as container:
        data = next(bytes(packet) for packet in container.demux(video=0) if packet.size)
    return Item(b"hvc1", data, (configuration, ispe(image.width - hidden, image.height - hidden)))


def _cropped(file: io.BytesIO, hidden: int) -> bytes:
    """The H.265 of an mp4, with a conformance window."""
    out = io.BytesIO()
    file.seek(0)
    with av.open(file) as source, av.open(out, "w", format="mp4") as container:
        read = source.streams.video[0]
        stream = container.add_stream_from_template(read)
        window = f"hevc_metadata=crop_right={hidden}:crop_bottom={hidden}"
        crop = BitStreamFilterContext(window, read, stream)
        for packet in source.demux(read):
            for cut in crop.filter(packet) if packet.size else crop.filter(None):
                cut.stream = stream
                container.mux(cut)
    return out.getvalue()


def heif(items: Sequence[Item], *, primary: int = 1, brands: bytes = b"heicmif1heic", more: bytes = b"") -> bytes:
    """A file of items, numbered from 1, whose bytes follow the index."""
    properties = list(dict.fromkeys(entry for item in items for entry in item.properties))
    infe = [
        full_box(b"infe", 2, struct.pack(">HH", number, 0), item.kind, b"\0") for number, item in enumerate(items, 1)
    ]
    ipma = b"".join(
        struct.pack(">HB", number, len(item.properties))
        + bytes(properties.index(entry) + 1 for entry in item.properties)
        for number, item in enumerate(items, 1)
    )
    iref = [
        box(name, struct.pack(f">HH{len(named)}H", number, len(named), *named))
        for number, item in enumerate(items, 1)
        for name, named in item.references
    ]

    def meta(start: int) -> bytes:
        places = b""
        for number, item in enumerate(items, 1):
            places += struct.pack(">HHHII", number, 0, 1, start, len(item.data))
            start += len(item.data)
        return full_box(
            b"meta",
            0,
            full_box(b"hdlr", 0, struct.pack(">I4s13x", 0, b"pict")),
            full_box(b"pitm", 0, struct.pack(">H", primary)),
            full_box(b"iloc", 0, struct.pack(">HH", 0x4400, len(items)), places),
            full_box(b"iinf", 0, struct.pack(">H", len(items)), *infe),
            full_box(b"iref", 0, *iref) if iref else b"",
            box(b"iprp", box(b"ipco", *properties), full_box(b"ipma", 0, struct.pack(">I", len(items)), ipma)),
            more,
        )

    ftyp = box(b"ftyp", brands[:4], bytes(4), brands[4:])
    return ftyp + meta(len(ftyp) + len(meta(0)) + 8) + box(b"mdat", *(item.data for item in items))


def grid(image: Image.Image, tile: tuple[int, int], *properties: bytes) -> list[Item]:
    """A picture as a grid of tiles, the last ones filled up; the grid is item 1."""
    columns, rows = -(-image.width // tile[0]), -(-image.height // tile[1])
    padded = Image.new("RGB", (columns * tile[0], rows * tile[1]), "fuchsia")
    padded.paste(image, (0, 0))
    corners = [(column * tile[0], row * tile[1]) for row in range(rows) for column in range(columns)]
    tiles = [hevc(padded.crop((x, y, x + tile[0], y + tile[1]))) for x, y in corners]
    data = struct.pack(">BBBBHH", 0, 0, rows - 1, columns - 1, *image.size)
    named = tuple(range(2, len(tiles) + 2))
    return [Item(b"grid", data, (ispe(*image.size), *properties), ((b"dimg", named),)), *tiles]


def grid_of(size: tuple[int, int], tile: Item, *properties: bytes, number: int = 1) -> list[Item]:
    """A picture as a grid of one tile, again and again; the grid is the item of a number."""
    told = tile.properties[-1]
    across, down = int.from_bytes(told[12:16]), int.from_bytes(told[16:20])
    columns, rows = -(-size[0] // across), -(-size[1] // down)
    data = struct.pack(">BBBBHH", 0, 0, rows - 1, columns - 1, *size)
    named = tuple(range(number + 1, number + 1 + columns * rows))
    return [Item(b"grid", data, (ispe(*size), *properties), ((b"dimg", named),)), *[tile] * (columns * rows)]


def with_opacity(items: Sequence[Item], opacity: Sequence[Item], *, is_multiplied: bool = False) -> list[Item]:
    """A picture, the first of its items, and its opacity, the first of these, which follow the others."""
    number, (first, *rest), (own, *others) = len(items) + 1, items, opacity
    if is_multiplied:
        first = first._replace(references=(*first.references, (b"prem", (number,))))
    urn = full_box(b"auxC", 0, ALPHA)
    own = own._replace(properties=(*own.properties, urn), references=(*own.references, (b"auxl", (1,))))
    return [first, *rest, own, *others]


def in_band(item: Item, settings: Item) -> Item:
    """An item that has the parameter sets of another in what is coded, before the rest of it."""
    sets, at, configuration = b"", 31, settings.properties[0]
    for _ in range(configuration[30]):
        count, at = int.from_bytes(configuration[at + 1 : at + 3]), at + 3
        for _ in range(count):
            size = int.from_bytes(configuration[at : at + 2])
            sets += size.to_bytes(4) + configuration[at + 2 : at + 2 + size]
            at += 2 + size
    return item._replace(data=sets + settings.data)
