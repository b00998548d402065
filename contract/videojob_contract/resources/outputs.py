"""What a VideoJob makes: one entry an output file."""

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


X264_MAX_CRF = 51
X264_PRESETS = (
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

BITRATE_PATTERN = r"^[0-9]{1,6}(\.[0-9]{1,3})?[kM]$"
Bitrate = Annotated[str, StringConstraints(pattern=BITRATE_PATTERN, max_length=12)]


class Output(Model):
    """One output file."""

    name: Name
    """Its name, unique within the job."""
    format: Format
    """What it is: `mp4`, or for a poster `jpg` or `png`."""
    uri: Uri | None = None
    """Where it goes. Default: the pool's output prefix, then /{namespace}/{name}/{output}.{ext}. Its extension
    must not be that of another format."""
    quality: Quality | None = None
    """Preset for quality against speed and size. Default: the pool's, or standard."""
    codec: Codec | None = None
    """Video codec. Default: the format's own (mp4: h264)."""
    width: EvenPixels | None = None
    """Width in pixels. Default: the canvas'."""
    height: EvenPixels | None = None
    """Height in pixels. Default: the canvas'."""
    fps: Fps | None = None
    """Frames a second. Default: the canvas'."""
    crf: Annotated[int, Field(ge=0, le=63)] | None = None
    """Constant rate factor, instead of the preset's."""
    bitrate: Bitrate | None = None
    """Mean bitrate, such as 4M or 800k, instead of constant quality."""
    max_bitrate: Bitrate | None = None
    """Highest bitrate."""
    two_pass: bool = False
    """Encode twice, to meet the bitrate best."""
    preset: Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+$", max_length=16)] | None = None
    """The encoder's own speed preset, instead of the quality's."""
    keyframe_interval: Duration | None = None
    """Longest time between keyframes. Default: the encoder's."""
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
    at: Duration | None = None
    """Of a poster: which moment of the timeline. Default: 1s, or the middle of a shorter one."""
