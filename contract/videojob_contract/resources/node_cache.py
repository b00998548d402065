"""What workers of a node keep of sources, for those that come after them."""

from typing import Annotated

from pydantic import Field

from videojob_contract.resources.base import Manifest, Model


class NodeCache(Model):
    """A volume in which workers of a pool keep sources that they download, for those that come after them."""

    source: Annotated[Manifest, Field(max_length=4)]
    """A Kubernetes volume source of a local filesystem, such as `hostPath: {path: /var/cache/videojob}`; workers get
    the folder NAMESPACE/POOL in it."""
    max_bytes: Annotated[int, Field(ge=1)]
    """How much is kept, in bytes: what was read longest ago goes first."""
