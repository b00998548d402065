"""Short ways to write resources in tests."""

from typing import Any

from videojob_contract.resources import API_VERSION, RenderPoolSpec
from videojob_contract.validation import SpecError, parse_videojob

CLIP = {"color": "#ff0000", "duration": "2s"}
POOL = RenderPoolSpec.model_validate(
    {
        "volumes": [
            {"name": "media", "source": {"emptyDir": {}}},
            {"name": "archive", "readOnly": True, "source": {"emptyDir": {}}},
        ],
        "storage": {"outputPrefix": "volume://media/out/"},
    }
)


def videojob(*clips: Any, **spec: Any) -> dict[str, Any]:
    """A VideoJob named `job`, of one red clip unless clips are given."""
    return {
        "apiVersion": API_VERSION,
        "kind": "VideoJob",
        "metadata": {"name": "job"},
        "spec": {"clips": list(clips) or [CLIP], **spec},
    }


def problems(*clips: Any, resource: dict[str, Any] | None = None, **spec: Any) -> list[str]:
    """What is wrong with a VideoJob, a line each."""
    try:
        parse_videojob(resource or videojob(*clips, **spec))
    except SpecError as error:
        return [str(problem) for problem in error.problems]
    return []
