"""What a pool's workers encode with."""

from enum import StrEnum

from videojob_contract.resources.base import Model


class Hardware(StrEnum):
    """Encoders outside the processor."""

    NONE = "none"
    NVENC = "nvenc"
    VAAPI = "vaapi"


class Encoding(Model):
    """What workers encode video with."""

    hardware: Hardware = Hardware.NONE
    """Encoders to use: `none` are those of the processor, `nvenc` those of NVIDIA, `vaapi` those of Intel and AMD, in
    an image whose libav has them. The pods must be given the device, by `worker.resources` and
    `worker.nodeSelector`."""
    fallback: bool = False
    """Encode with the processor what these encoders cannot, instead of failing."""
