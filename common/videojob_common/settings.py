"""Settings of a program that runs for long: read once from the environment, typed, each with its unit and default.

Not for a worker before its first claim: importing this takes several times as long as all that a worker needs to be
claimed.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Self, get_args

from pydantic import BeforeValidator, ValidationError
from pydantic_settings import BaseSettings, EnvSettingsSource, NoDecode, PydanticBaseSettingsSource, SettingsConfigDict

from videojob_common.errors import ConfigError

PREFIX = "VIDEOJOB_"


def _split(value: object) -> object:
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


CommaSeparated = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split)]
"""A list in one variable: `a, b`."""


class EnvironmentSettings(BaseSettings):
    """Base of a program's settings. Field `redis_url` is the variable `VIDEOJOB_REDIS_URL`, and so on.

    Called as a class, it takes values and defaults and looks at no environment.
    """

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, use_attribute_docstrings=True)

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> Self:
        """Read every setting from `env`.

        Raises:
            ConfigError: a value has the wrong form, or is none of the possible ones.
        """
        source = EnvSettingsSource(cls)
        source.env_vars = {name.lower(): value for name, value in env.items() if name.startswith(PREFIX)}
        try:
            return cls(**source())
        except ValidationError as error:
            raise ConfigError(_explain(cls, dict(error.errors()[0]))) from None  # its text may have a password in it

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 - the signature is pydantic's
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Take what the caller gives, alone; the environment comes by `from_env`."""
        return (init_settings,)


def _explain(cls: type[EnvironmentSettings], error: Mapping[str, Any]) -> str:
    """Say what is wrong with a value, in words for whoever sets the variable."""
    field = str(error["loc"][0])
    name, value = PREFIX + field.upper(), error["input"]
    if path := ".".join(map(str, error["loc"][1:])):
        return f"{name}: {path}: {error['msg']}"
    match error["type"]:
        case "literal_error":
            return f'{name} is one of {", ".join(get_args(cls.model_fields[field].annotation))}; not "{value}"'
        case "greater_than_equal":
            return f"{name} is not negative; not {value}"
        case kind if kind.startswith(("int_", "float_")):
            return f'{name} is a number; not "{value}"'
        case _:
            return f"{name}: {error['msg']}"
