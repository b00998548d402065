"""Small sound files of every kind that a job can name: what the fuzzer breaks."""

import subprocess
from pathlib import Path

from PIL import Image

from tests import media
from tests.render.media.pictures import heif_files

_SIZE = (96, 64)
_SRT = "1\n00:00:00,100 --> 00:00:00,900\nOne <i>two</i>\n\n2\n00:00:01,000 --> 00:00:01,500\nThree\n"
_VTT = "WEBVTT\n\n00:00.100 --> 00:00.900 line:10%\nOne\n\n00:01.000 --> 00:01.500\nTwo\n"
_ASS = (
    "[Script Info]\nScriptType: v4.00+\nPlayResX: 96\nPlayResY: 64\n\n[V4+ Styles]\n"
    "Format: Name, Fontname, Fontsize, PrimaryColour, OutlineColour, Bold, Alignment, Outline, Shadow\n"
    "Style: Default,DejaVu Sans,12,&H00FFFFFF,&H00000000,0,2,1,0\n\n[Events]\n"
    "Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text\n"
    "Dialogue: 0,0:00:00.10,0:00:00.90,Default,,0,0,0,,{\\fad(100,100)}One\n"
    "Dialogue: 0,0:00:00.50,0:00:01.50,Default,,0,0,0,,{\\move(0,0,50,50)\\t(\\frz90)}Two\n"
)
_VIDEOS = {
    "h264.mp4": ["-c:v", "libx264", "-pix_fmt", "yuv420p", "-c:a", "aac"],
    "rotated.mov": ["-c:v", "libx264", "-pix_fmt", "yuv420p", "-metadata:s:v", "rotate=90", "-an"],
    "vp9.webm": ["-c:v", "libvpx-vp9", "-deadline", "realtime", "-c:a", "libopus"],
    "hevc10.mkv": ["-c:v", "libx265", "-pix_fmt", "yuv420p10le", "-x265-params", "log-level=none", "-c:a", "flac"],
    "mpeg4.avi": ["-c:v", "mpeg4", "-bf", "2", "-c:a", "libmp3lame"],
    "h264.ts": ["-c:v", "libx264", "-pix_fmt", "yuv420p", "-c:a", "aac"],
    "mpeg2.mpg": ["-c:v", "mpeg2video", "-c:a", "mp2"],
    "sorenson.flv": ["-c:v", "flv1", "-c:a", "libmp3lame", "-ar", "44100"],
    "wmv2.wmv": ["-c:v", "wmv2", "-c:a", "wmav2"],
    "theora.ogv": ["-c:v", "libtheora", "-c:a", "libvorbis"],
}
_SOUNDS = {
    "sound.mp3": ["libmp3lame"],
    "sound.wav": ["pcm_s16le"],
    "sound.flac": ["flac"],
    "sound.ogg": ["libvorbis"],
    "sound.aac": ["aac"],
    "sound.ac3": ["ac3"],
    "sound.aiff": ["pcm_s16be"],
    "sound.caf": ["alac"],
    "sound.w64": ["pcm_s24le"],
    "sound.wma": ["wmav2"],
}

FIELDS = {
    "image": ("jpg", "png", "webp", "gif", "avif", "apng", "heic", "tiff", "bmp", "jxl"),
    "video": ("mp4", "mov", "webm", "mkv", "avi", "ts", "mpg", "flv", "wmv", "ogv"),
    "sound": ("mp3", "wav", "flac", "ogg", "aac", "ac3", "aiff", "caf", "w64", "wma", "mp4", "mkv"),
    "subtitles": ("srt", "vtt", "ass"),
    "font": ("ttf",),
}
"""The kinds of file, by suffix, that each kind of field takes."""


def make_corpus(folder: Path) -> list[Path]:
    """Write one file of each kind to a folder and return them."""
    with Image.open(media.photograph("chelsea.png")) as photograph:
        small = photograph.convert("RGB").resize(_SIZE)
    for suffix in ("jpg", "png", "webp", "avif", "bmp", "tiff"):
        small.save(folder / f"picture.{suffix}")
    frames = [small.rotate(angle) for angle in (0, 90, 180)]
    for name in ("moving.gif", "moving.webp", "moving.apng"):
        kind = "PNG" if name.endswith("apng") else None
        frames[0].save(folder / name, kind, save_all=True, append_images=frames[1:], duration=100)
    (folder / "picture.heic").write_bytes(heif_files.heif(heif_files.grid(small, (64, 64), heif_files.irot(1))))
    for name, options in (("picture", ()), ("lossless", ("-d", "0")), ("jpeg", ())):
        made_from = folder / ("picture.jpg" if name == "jpeg" else "picture.png")
        command = ["cjxl", str(made_from), str(folder / f"{name}.jxl"), *options]
        subprocess.run(command, check=True, capture_output=True)
    for name, text in (("text.srt", _SRT), ("text.vtt", _VTT), ("text.ass", _ASS)):
        (folder / name).write_text(text)
    (folder / "polish.srt").write_bytes(_SRT.replace("Three", "Cześć! Zażółć gęślą jaźń").encode("cp1250"))
    (folder / "thai.srt").write_text(_SRT.replace("Three", "การเดินทางไปเชียงใหม่ในช่วงฤดูหนาว"))
    picture = ["-f", "lavfi", "-i", f"testsrc2=size={_SIZE[0]}x{_SIZE[1]}:rate=25:duration=2"]
    tone = ["-f", "lavfi", "-i", "sine=frequency=440:duration=2"]
    for name, codecs in _VIDEOS.items():
        _ffmpeg([*picture, *tone, *codecs, "-shortest", str(folder / name)])
    for name, codec in _SOUNDS.items():
        _ffmpeg([*tone, "-c:a", *codec, str(folder / name)])
    font = Path("/usr/share/fonts/truetype/dejavu/DejaVuSansMono.ttf")
    (folder / "font.ttf").write_bytes(font.read_bytes())
    return sorted(folder.iterdir())


def _ffmpeg(arguments: list[str]) -> None:
    subprocess.run(["ffmpeg", "-v", "error", "-y", *arguments], check=True, capture_output=True)
