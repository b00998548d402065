"""What is rendered and how, the same from the pipeline, through the renderer process, to the engine.

A model, because it is sent to the renderer process; so nothing imports it, save for types, before the first claim.
"""

from videojob_contract.resources.base import Model
from videojob_contract.resources.encoding import Encoding
from videojob_contract.resources.videojob import VideoJobSpec


class RenderSettings(Model):
    """A job as it is rendered."""

    spec: VideoJobSpec
    """With every default filled in."""
    name: str
    """The job's name."""
    threads: int
    """Cores to use; the bytes of a video depend on how many of them an encoder has."""
    encoding: Encoding = Encoding()
    """Which encoders to use."""
