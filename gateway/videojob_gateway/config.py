"""The gateway's settings: read once from the environment, typed, each with its unit and default."""

import json
import re
from collections.abc import Collection, Mapping
from ipaddress import ip_address, ip_network
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, NonNegativeFloat, NonNegativeInt, PositiveInt, StringConstraints
from pydantic_settings import NoDecode

from videojob_common.errors import ConfigError
from videojob_common.settings import CommaSeparated, EnvironmentSettings
from videojob_contract.inspection import MAX_LOOK_S
from videojob_contract.resources.base import NAME_PATTERN
from videojob_gateway.tier_rates import EVERYONE, TierRates


def _document(value: Any) -> Any:
    return json.loads(value) if isinstance(value, str) else value


class Settings(EnvironmentSettings):
    """Every setting of the gateway."""

    host: str = "127.0.0.1"
    """Address to listen on; others than those of loopback need a way to tell who calls."""
    port: NonNegativeInt = 8080
    """Port to listen on; 0 for any free one."""
    namespace: str = ""
    """Namespace whose VideoJobs are served; empty for that of the pod, or of the kubeconfig."""
    api_keys: str = ""
    """Folder with a file for each API key, as a Secret is mounted; empty for no keys."""
    hook_keys: str = ""
    """Folder with a file for each key of senders to VideoHooks, as a Secret is mounted; empty where none are taken."""
    kubernetes_tokens: bool = False
    """Whether callers may be known by tokens of Kubernetes."""
    token_audiences: CommaSeparated = ()
    """Audiences that such a token must be for one of; none for that of the API server."""
    oidc_issuer: str = ""
    """URL of the issuer whose JWTs callers may be known by; empty for none."""
    oidc_audience: str = ""
    """Audience that a JWT must be for; needed with an issuer."""
    oidc_user_claim: str = "sub"
    """Claim that has the user; `email` counts when the issuer has verified it."""
    oidc_roles_claim: str = "groups"
    """Claim that has what roles follow from: a text, or a list."""
    oidc_tier_claim: str = ""
    """Claim that has the tier; empty for none."""
    viewers: CommaSeparated = ()
    """What that claim has of viewers; `*` for everyone whom the issuer knows."""
    submitters: CommaSeparated = ()
    """What it has of submitters."""
    admins: CommaSeparated = ()
    """What it has of admins."""
    group_tiers: CommaSeparated = ()
    """`GROUP=TIER` each: tiers by groups of Kubernetes, or by values of the roles' claim, the first that holds."""
    rate_limits: Annotated[dict[str, TierRates], NoDecode, BeforeValidator(_document)] = Field(default={})
    """Most VideoJobs and requests of a user in a minute, an hour and a day, by tier, as JSON; `*` for other tiers."""
    max_refusals: PositiveInt = 30
    """Credentials of one address, or of one IPv6 network of 64 bits, that may be refused in a minute."""
    trusted_proxies: CommaSeparated = ()
    """Addresses and networks of proxies whose `X-Forwarded-For` says who calls; none for whoever connects."""
    volumes: str = ""
    """Folder in which the volumes of pools are mounted, to be read: `POOL/VOLUME` each; empty for none."""
    uploads: str = ""
    """Folder in which the places of uploads of pools are mounted, to be written to: `POOL` each; empty for none."""
    upload_secrets: str = ""
    """Folder in which Secrets of places of uploads in object stores are mounted: `POOL` each; empty for none."""
    max_upload_bytes: PositiveInt = 4 * 1024**3
    """Longest file that may be uploaded, where the pool lets none be longer."""
    max_user_bytes: PositiveInt = 64 * 1024**3
    """What the files of one user that are uploaded to a pool may have together."""
    redis_url: str = ""
    """Where Redis is, or `redis+sentinel://HOST:PORT,HOST:PORT/MASTER/DB` for what Sentinels name, without a password;
    empty where workers are asked nothing."""
    redis_user: str = ""
    """Redis user; empty for the default user."""
    redis_password: str = Field(default="", repr=False)
    """Password of that user; empty for none."""
    redis_sentinel_password: str = Field(default="", repr=False)
    """Password of the Sentinels; empty for none."""
    redis_ca: str = ""
    """Certificates in PEM of which one has signed that of Redis, with `rediss`; empty for those of the system."""
    cluster: Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]{0,63}$")] = ""
    """As the operator has it; empty for the UID of the namespace kube-system."""
    operator_lease: str = ""
    """Lease by which the operator is elected, NAMESPACE/NAME, to see whether it works; empty for not to look."""
    idle_s: NonNegativeFloat = 5.0
    """Seconds that a look waits for an idle worker."""
    look_s: Annotated[float, Field(gt=0, le=MAX_LOOK_S)] = 10.0
    """Seconds that a look may take, fetching of sources included."""
    manage_pools: bool = False
    """Whether admins may stop, drain and resume pools, for which its account has to be allowed to patch them."""
    read_logs: bool = False
    """Whether users may read the logs of their VideoJobs' workers, for which its account has to be allowed to."""
    max_body_bytes: PositiveInt = 1024 * 1024
    """Longest body of a request."""
    max_streams: PositiveInt = 100
    """Live streams that one user may have open on a replica; without callers, all together."""
    stop_s: NonNegativeInt = 20
    """Seconds that requests have to end after SIGTERM; live streams end at once."""
    log_format: Literal["json", "text"] = "json"
    """Lines for programs or for people."""
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    """Least level that is logged."""
    timeout_s: NonNegativeFloat = 10.0
    """Seconds that one request to the API server may take."""

    @property
    def knows_callers(self) -> bool:
        """Whether there is a way to tell who calls."""
        return bool(self.api_keys or self.kubernetes_tokens or self.oidc_issuer)

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> Self:
        """Read every setting from `env`; see `EnvironmentSettings.from_env`.

        Raises:
            ConfigError: also where everyone could reach it, and nobody is asked who they are.
        """
        settings = super().from_env(env)
        if settings.oidc_issuer and not settings.oidc_audience:
            raise ConfigError("VIDEOJOB_OIDC_AUDIENCE is missing: tokens that are for others would do")
        if settings.oidc_issuer and not settings.oidc_issuer.startswith(("https://", "http://127.0.0.1:")):
            raise ConfigError(f"VIDEOJOB_OIDC_ISSUER is an https URL; not {settings.oidc_issuer}")
        if not settings.knows_callers and not is_loopback(settings.host):
            raise ConfigError(
                f"VIDEOJOB_HOST is {settings.host or 'empty'}: elsewhere than on loopback, say how callers are known"
            )
        settings.check_rates()
        return settings

    def check_rates(self) -> None:
        """Make sure that tiers and proxies can be such; raises `ConfigError`."""
        named = {**dict.fromkeys(self.rate_limits, "RATE_LIMITS"), **dict.fromkeys(self.tiers.values(), "GROUP_TIERS")}
        for tier, variable in named.items():
            if tier != EVERYONE and not re.fullmatch(NAME_PATTERN, tier):
                raise ConfigError(f"VIDEOJOB_{variable}: {tier!r} cannot be the name of a tier")
        if "" in self.tiers:
            raise ConfigError("VIDEOJOB_GROUP_TIERS: write GROUP=TIER")
        for proxy in self.trusted_proxies:
            try:
                ip_network(proxy)
            except ValueError as error:
                raise ConfigError(f"VIDEOJOB_TRUSTED_PROXIES: {error}") from error

    @property
    def tiers(self) -> dict[str, str]:
        """Tiers by groups."""
        return {group: tier for group, _, tier in (each.rpartition("=") for each in self.group_tiers)}

    def tier_of(self, groups: Collection[str]) -> str | None:
        """Return the tier that follows from groups; None for none."""
        return next((tier for group, tier in self.tiers.items() if group in groups), None)


def is_loopback(host: str) -> bool:
    """Tell whether a host, as an address or by the name localhost, is this machine alone."""
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"
