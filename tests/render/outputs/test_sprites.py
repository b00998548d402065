"""Sheets of thumbnails: which frame is where, and what the file beside the sheet says of it."""

import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.render import barcodes
from tests.render.studio import Studio, color
from videojob_contract.errors import PermanentError, Reason
from videojob_worker.verify.sprite import verify_sprite


@pytest.mark.parametrize("beside", [(), ({"name": "main", "format": "mp4"},)], ids=["alone", "with-a-video"])
@pytest.mark.parametrize("threads", [1, 3])
def test_each_thumbnail_shows_the_start_of_its_time(studio: Studio, beside: tuple[object, ...], threads: int) -> None:
    clips, files = barcodes.numbered(studio.scratch.parent / "pictures", 60, "80ms")
    output = {
        "name": "thumbs",
        "format": "sprite",
        "uri": "volume://media/a%20b.jpg",
        "width": 80,
        "interval": "500ms",
        "columns": 4,
    }
    made = studio.render(clips, files=files, outputs=[output, *beside], threads=threads)[0]  # type: ignore[list-item]
    assert (made.width, made.height, made.frames) == (80, 44, None)
    [vtt] = made.files
    assert (made.path.name, vtt.name) == ("a b.jpg", "a b.vtt")
    with Image.open(made.path) as sheet:
        assert sheet.size == (320, 132)
        luma = np.asarray(sheet.convert("L"))
    cues = re.findall(r"(\S+) --> (\S+)\na%20b\.jpg#xywh=(\d+),(\d+),80,44\n", vtt.read_text())
    assert vtt.read_text().startswith("WEBVTT\n\n")
    assert [cue[:2] for cue in cues][-2:] == [("00:00:04.000", "00:00:04.500"), ("00:00:04.500", "00:00:04.800")]
    seen = [barcodes.read(luma[int(y) : int(y) + 44, int(x) : int(x) + 80]) for _, _, x, y in cues]
    assert seen == [int(half * 0.5 / 0.08) + 1 for half in range(10)]


def test_there_are_at_most_a_hundred_unless_an_interval_is_given(studio: Studio) -> None:
    [made] = studio.render([color("#204060", "250s")], outputs=[{"name": "main", "format": "sprite"}], fps="10")
    with Image.open(made.path) as sheet:
        assert sheet.size == (1600, 900)
    assert made.files[0].read_text().count("-->") == 100


def test_a_sheet_that_is_too_large_is_refused_before_any_frame(studio: Studio) -> None:
    output = {"name": "main", "format": "sprite", "interval": "40ms", "width": 640}
    with pytest.raises(PermanentError, match=r"^spec\.outputs\[0\]\.interval: 2500 thumbnails make a sheet") as caught:
        studio.render([color("#204060", "100s")], outputs=[output])
    assert caught.value.reason is Reason.INVALID_SPEC


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("00:00:01.000 --> 00:00:02.000", "00:00:01.500 --> 00:00:02.000"),
        ("#xywh=0,0,160,90", "#xywh=160,0,160,90"),
        ("thumbs.jpg", "other.jpg"),
        ("00:00:03.000\nthumbs", "00:00:02.900\nthumbs"),
    ],
)
def test_what_the_file_beside_says_is_checked(tmp_path: Path, old: str, new: str) -> None:
    sheet, vtt = tmp_path / "thumbs.jpg", tmp_path / "thumbs.vtt"
    Image.new("RGB", (160, 270)).save(sheet)
    cues = [
        f"00:00:0{second}.000 --> 00:00:0{second + 1}.000\nthumbs.jpg#xywh=0,{90 * second},160,90\n"
        for second in range(3)
    ]
    vtt.write_text("\n".join(["WEBVTT", "", *cues]))
    verify_sprite(sheet, vtt, (160, 270), (160, 90), 3)  # type: ignore[arg-type]
    vtt.write_text(vtt.read_text().replace(old, new))
    with pytest.raises(PermanentError, match="the finished output is wrong"):
        verify_sprite(sheet, vtt, (160, 270), (160, 90), 3)  # type: ignore[arg-type]
