"""Every setting of the sidecar: environment (`NL2SQL_<NAME>`) before TOML file (`NL2SQL_CONFIG`) before default.

docs/settings.md lists each of them; a test compares the two.
"""

from __future__ import annotations

import os
from pathlib import Path

from psycopg import Error
from psycopg.conninfo import conninfo_to_dict
from pydantic import Field, field_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from sidecar.places import default_cache, default_state

DEFAULT_CONFIG = Path("/etc/nl2sql/sidecar.toml")


class Settings(BaseSettings):
    """Settings of one sidecar process."""

    model_config = SettingsConfigDict(env_prefix="NL2SQL_", extra="forbid")

    socket: Path = Field(Path("/run/nl2sql/sidecar.sock"), description="Unix socket to serve on; at most 107 bytes.")
    socket_mode: str = Field("0660", pattern=r"^0?[0-7]{3}$", description="Octal mode of the socket.")
    socket_group: str | None = Field(None, description="Group that may connect; the process's own group if empty.")
    allowed_users: list[str] = Field(
        ["postgres"],
        description="Operating system users (names or numbers) that may connect, besides root and our own.",
    )
    max_body_bytes: int = Field(
        4_000_000, ge=1024, description="Largest request body in bytes; a larger one is refused."
    )
    max_connections: int = Field(2048, ge=1, description="Open connections at once; further ones are refused with 503.")
    read_timeout: float = Field(10.0, gt=0, description="Seconds a client may take to send a request.")
    max_deadline: float = Field(
        300.0, gt=0, description="Longest time in seconds that one request may take, whatever it asks for."
    )
    drain_timeout: float = Field(20.0, ge=0, description="Seconds that running requests get to finish on shutdown.")

    cache_dir: Path = Field(default_factory=default_cache, description="Folder of models and downloads.")
    model: str = Field(
        "auto", description="Model of the catalog, a folder with safetensors, or `auto`: chosen by hardware."
    )
    embedder: str = Field("all-minilm-l6-v2", description="Embedding model of the catalog, or a folder with it.")
    prompt_family: str = Field(
        "auto", description="Folder of prompt templates; `auto`: as the catalog says of the model."
    )

    engine_url: str | None = Field(
        None, description="Base URL of an OpenAI-compatible server to use instead of an own vLLM (`http://…/v1`)."
    )
    engine_api_key: str | None = Field(None, description="Bearer token for `engine_url`.")
    engine_socket: Path | None = Field(
        None, description="Unix socket of the own vLLM; `engine.sock` beside `socket` if empty."
    )
    engine_log: Path | None = Field(
        None, description="File for the own vLLM's output; `engine.log` beside `socket` if empty."
    )
    engine_python: Path | None = Field(
        None, description="Python interpreter that has vLLM; the sidecar's own if empty."
    )
    engine_args: list[str] = Field([], description="Further arguments for vLLM, after those of the catalog.")
    engine_cpu_kv_gib: int = Field(2, ge=1, description="Key-value cache of vLLM on a CPU, in GiB.")
    engine_start_timeout: float = Field(
        600.0, gt=0, description="Seconds until a start that is not ready counts as failed."
    )
    engine_max_restarts: int = Field(5, ge=0, description="Restarts in a row before the engine is given up.")
    engine_max_waiting: int = Field(256, ge=1, description="Requests in flight at once; further ones get NL307.")

    databases: list[str] = Field(
        [],
        description="Connection strings of databases whose schema index is kept fresh (none: `nl2sql.refresh_index()` "
        "does it) and to which audit records are delivered.",
    )
    index_interval: float = Field(1.0, gt=0, description="Seconds between two looks for changed tables.")

    state_dir: Path = Field(
        default_factory=default_state,
        description="Folder of audit records on their way, and of the key that signs them; each sidecar has its own.",
    )
    audit_spool_bytes: int = Field(
        1_000_000_000,
        ge=100_000,
        description="Records that may wait, in bytes a database; at the limit NL601 is raised.",
    )
    audit_interval: float = Field(
        1.0, gt=0, description="Seconds between two looks for administrators' acts and changed memberships."
    )

    log_level: str = Field(
        "info", pattern=r"^(?i:debug|info|warning|error)$", description="debug, info, warning or error."
    )
    log_questions: bool = Field(False, description="Write question text to the log.")

    @field_validator("databases")
    @classmethod
    def _connection_strings(cls, given: list[str]) -> list[str]:
        for database in given:
            try:
                conninfo_to_dict(database)
            except Error as error:
                raise ValueError(f"not a connection string: {str(error).strip()}") from None
        return given

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments, then environment, then the TOML file."""
        config = Path(os.environ.get("NL2SQL_CONFIG", DEFAULT_CONFIG))
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls, toml_file=config)

    @property
    def engine_socket_path(self) -> Path:
        return self.engine_socket or self.socket.with_name("engine.sock")

    @property
    def journal_path(self) -> Path:
        return self.state_dir / "audit"

    @property
    def engine_log_path(self) -> Path:
        return self.engine_log or self.socket.with_name("engine.log")
