"""Where the API server has the objects that the programs and their users ask it for."""

from dataclasses import dataclass
from urllib.parse import quote

from videojob_contract.resources import API_VERSION


@dataclass(frozen=True, slots=True)
class Resource:
    """A kind of object and where the API server has it."""

    path: str
    """Group and version, such as `apis/batch/v1`."""
    plural: str

    @property
    def group(self) -> str:
        """API group; empty for the core one."""
        return self.path.split("/")[1] if self.path.startswith("apis/") else ""

    @property
    def version(self) -> str:
        """Version of the API group."""
        return self.path.rpartition("/")[2]

    def url(self, namespace: str | None, name: str = "", subresource: str = "") -> str:
        """Path of the collection in a namespace (or in all), of one object, or of its subresource."""
        # Some names come from workers, who read untrusted media, or from an application's users: none may lead to
        # another path.
        scope = f"/namespaces/{quote(namespace, safe='')}" if namespace else ""
        # Dots alone are a way to a folder however they are quoted; % twice quoted is what no name has in it.
        name = name.replace(".", "%2E") if name in {".", ".."} else name
        parts = (f"/{self.path}{scope}/{self.plural}", quote(name, safe=""), subresource)
        return "/".join(part for part in parts if part)


VIDEOJOBS = Resource(f"apis/{API_VERSION}", "videojobs")
VIDEOSCHEDULES = Resource(f"apis/{API_VERSION}", "videoschedules")
VIDEOTEMPLATES = Resource(f"apis/{API_VERSION}", "videotemplates")
VIDEOHOOKS = Resource(f"apis/{API_VERSION}", "videohooks")
RENDERPOOLS = Resource(f"apis/{API_VERSION}", "renderpools")
JOBS = Resource("apis/batch/v1", "jobs")
PODS = Resource("api/v1", "pods")
NAMESPACES = Resource("api/v1", "namespaces")
CONFIGMAPS = Resource("api/v1", "configmaps")
SECRETS = Resource("api/v1", "secrets")
EVENTS = Resource("apis/events.k8s.io/v1", "events")
LEASES = Resource("apis/coordination.k8s.io/v1", "leases")
TOKENREVIEWS = Resource("apis/authentication.k8s.io/v1", "tokenreviews")
SUBJECTACCESSREVIEWS = Resource("apis/authorization.k8s.io/v1", "subjectaccessreviews")
CUSTOMRESOURCEDEFINITIONS = Resource("apis/apiextensions.k8s.io/v1", "customresourcedefinitions")
