"""What a VideoJob makes: one entry an output file."""

from decimal import Decimal
from enum import StrEnum
from typing import Annotated

from pydantic import Field, StringConstraints

from videojob_contract.resources.base import Duration, EvenPixels, Fps, Model, Name, Uri


class Format(StrEnum):
    """Kind of output."""

    MP4 = "mp4"
    WEBM = "webm"
    GIF = "gif"
    WEBP = "webp"
    HLS = "hls"
    MP3 = "mp3"
    M4A = "m4a"
    JPG = "jpg"
    PNG = "png"
    SPRITE = "sprite"

    @property
    def extension(self) -> str:
        """Its files' extension, without the dot."""
        return {Format.HLS: "m3u8", Format.SPRITE: "jpg"}.get(self, self.value)

    @property
    def extensions(self) -> frozenset[str]:
        """The extensions by which people and players know its files."""
        return frozenset((self.extension, "jpeg")) if self.extension == "jpg" else frozenset((self.extension,))

    @property
    def is_still(self) -> bool:
        """Whether it is one picture of one moment."""
        return self in {Format.JPG, Format.PNG}

    @property
    def codecs(self) -> "tuple[Codec, ...]":
        """The video codecs that may be chosen for it, its default first; none where the format says all."""
        return _CODECS.get(self, ())


KNOWN_EXTENSIONS = frozenset(extension for format_ in Format for extension in format_.extensions)
"""Those that tell a format; a URI with another, or with none, may be of any."""


class Quality(StrEnum):
    """How good, against how fast and small."""

    DRAFT = "draft"
    STANDARD = "standard"
    HIGH = "high"
    VISUALLY_LOSSLESS = "visuallyLossless"


class Codec(StrEnum):
    """Video codec."""

    H264 = "h264"
    H265 = "h265"
    AV1 = "av1"
    VP9 = "vp9"


_CODECS = {
    Format.MP4: (Codec.H264, Codec.H265, Codec.AV1),
    Format.WEBM: (Codec.VP9, Codec.AV1),
    Format.HLS: (Codec.H264, Codec.H265),
}


class Copying(StrEnum):
    """Whether pictures may be taken over from the sources as they are."""

    AUTO = "auto"
    NEVER = "never"


TWO_PASS_CODECS = (Codec.H264, Codec.H265)

MAX_CRF = {Codec.H264: 51, Codec.H265: 51, Codec.AV1: 63, Codec.VP9: 63}

_X26X_PRESETS = (
    "ultrafast",
    "superfast",
    "veryfast",
    "faster",
    "fast",
    "medium",
    "slow",
    "slower",
    "veryslow",
    "placebo",
)
PRESETS: dict[Codec, tuple[str, ...]] = {
    Codec.H264: _X26X_PRESETS,
    Codec.H265: _X26X_PRESETS,
    Codec.AV1: tuple(str(speed) for speed in range(14)),
    Codec.VP9: tuple(str(speed) for speed in range(9)),
}
"""Speed presets by codec: those of x264 and x265, SVT-AV1's numbers and libvpx' `cpu-used`."""

GIF_MOST_FPS = 50
"""Its times are in hundredths of a second, and players take one of them for ten."""

PRESET_PATTERN = r"^[a-z0-9]+$"
BITRATE_PATTERN = r"^[0-9]{1,6}(\.[0-9]{1,3})?[kM]$"
Bitrate = Annotated[str, StringConstraints(pattern=BITRATE_PATTERN, max_length=12)]

_UNITS = {"k": 1000, "M": 1_000_000}


def bits_a_second(bitrate: str) -> int:
    """Turn `"4M"` or `"800k"` into bits a second."""
    return int(Decimal(bitrate[:-1]) * _UNITS[bitrate[-1]])


class Rendition(Model):
    """One size and rate of an HLS output, among which players choose."""

    name: Name | None = None
    """Its name in file names. Default: its height and a p, such as 720p."""
    width: EvenPixels | None = None
    """Width in pixels. Default: from the height, in the shape of the canvas."""
    height: EvenPixels | None = None
    """Height in pixels. Default: from the width, in the shape of the canvas."""
    crf: Annotated[int, Field(ge=0, le=63)] | None = None
    """Constant rate factor, instead of the output's."""
    bitrate: Bitrate | None = None
    """Mean bitrate, instead of constant quality."""
    max_bitrate: Bitrate | None = None
    """Highest bitrate."""


HEADER_PATTERN = r"^[ -~]+$"
MEDIA_TYPE_PATTERN = r"^[A-Za-z0-9][-A-Za-z0-9.+_]*/[A-Za-z0-9][-A-Za-z0-9.+_]*(;[ -~]+)?$"

HeaderText = Annotated[str, StringConstraints(pattern=HEADER_PATTERN, max_length=1024)]


class ObjectAttributes(Model):
    """What an object store keeps beside the bytes of an output."""

    content_type: Annotated[str, StringConstraints(pattern=MEDIA_TYPE_PATTERN, max_length=128)] | None = None
    """Media type. Default: that of the format, such as video/mp4."""
    cache_control: Annotated[str, StringConstraints(pattern=HEADER_PATTERN, max_length=256)] | None = None
    """How long browsers and proxies may keep it, such as `public, max-age=3600`."""
    metadata: Annotated[
        dict[Annotated[str, StringConstraints(max_length=64)], HeaderText] | None,
        Field(max_length=16),
    ] = None
    """Metadata of your own, sent with the object; names have lower case letters, digits, - and _."""
    tags: Annotated[
        dict[
            Annotated[str, StringConstraints(max_length=128)],
            Annotated[str, StringConstraints(max_length=256)],
        ]
        | None,
        Field(max_length=10),
    ] = None
    """Of s3 and az: tags, which rules of the bucket can select by."""


class Output(Model):
    """One output file."""

    name: Name
    """Its name, unique within the job."""
    format: Format
    """What it is: video (`mp4`, `webm`, `hls`), moving pictures (`gif`, `webp`), the sound alone (`mp3`, `m4a`), a
    poster (`jpg`, `png`) or a sheet of thumbnails (`sprite`)."""
    uri: Uri | None = None
    """Where it goes. Default: the pool's output prefix, then /{namespace}/{name}/{output}.{ext}. Its extension
    must not be that of another format."""
    object_: Annotated[ObjectAttributes | None, Field(alias="object")] = None
    """Of one that goes to an object store: what is kept beside its bytes."""
    overwrite: bool = False
    """Let it go where another VideoJob of the namespace writes that waits or runs: the last one stays. A source of the
    same VideoJob is never overwritten."""
    quality: Quality | None = None
    """Preset for quality against speed and size. Default: the pool's, or standard."""
    codec: Codec | None = None
    """Video codec. Of mp4: h264, h265 or av1; of webm: vp9 or av1; of hls: h264 or h265; the first is the default."""
    width: EvenPixels | None = None
    """Width in pixels. Default: the canvas', or with a height, what keeps its shape; of gif and webp at most 480; of a
    sprite's thumbnails 160."""
    height: EvenPixels | None = None
    """Height in pixels. Default: what keeps the shape of the canvas."""
    fps: Fps | None = None
    """Frames a second. Default: the canvas'; of gif and webp at most 15."""
    crf: Annotated[int, Field(ge=0, le=63)] | None = None
    """Constant rate factor, instead of the preset's."""
    bitrate: Bitrate | None = None
    """Mean bitrate, such as 4M or 800k, instead of constant quality; of mp3 and m4a, that of the sound."""
    max_bitrate: Bitrate | None = None
    """Highest bitrate."""
    two_pass: bool = False
    """Encode twice, to meet the bitrate best; with h264 and h265."""
    preset: Annotated[str, StringConstraints(pattern=PRESET_PATTERN, max_length=16)] | None = None
    """The encoder's own speed preset, instead of the quality's: medium and the like of h264 and h265, 0 to 13 of av1,
    0 to 8 of vp9."""
    keyframe_interval: Duration | None = None
    """Longest time between keyframes. Default: the encoder's."""
    copy_: Annotated[Copying, Field(alias="copy")] = Copying.AUTO
    """Of mp4: `auto` takes the pictures over as they are, where the timeline is nothing but pieces of like videos that
    start at keyframes, and no crf, bitrate, maxBitrate, preset or keyframeInterval is given; `never` encodes anew."""
    faststart: bool = True
    """Put the index of an mp4 first, so that it plays while it loads."""
    metadata: Annotated[
        dict[
            Annotated[str, StringConstraints(max_length=64)],
            Annotated[str, StringConstraints(max_length=1024)],
        ]
        | None,
        Field(max_length=32),
    ] = None
    """Tags of the container, such as title and artist."""
    renditions: Annotated[list[Rendition] | None, Field(min_length=1, max_length=8)] = None
    """Of hls: sizes and rates to choose from. Default: one, of the output's own size."""
    segment_duration: Duration | None = None
    """Of hls: length of a segment. Default: 6s."""
    interval: Duration | None = None
    """Of a sprite: time between thumbnails. Default: a hundredth of the length, and at least 1s."""
    columns: Annotated[int, Field(ge=1, le=100)] | None = None
    """Of a sprite: thumbnails in a row. Default: 10."""
    at: Duration | None = None
    """Of a poster: which moment of the timeline. Default: 1s, or the middle of a shorter one."""
