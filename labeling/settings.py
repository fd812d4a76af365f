"""Where things are: from the environment (`TIEBREAK_…`) or from `.env` in the working folder."""

from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """`database_url` of the store; `data_folder` for the default database, exports and backups; `prices`, a file of one's own."""

    model_config = SettingsConfigDict(env_prefix="TIEBREAK_", env_file=".env", env_ignore_empty=True, extra="ignore")

    database_url: str = ""
    data_folder: Path = Field(default_factory=lambda: Path("data").absolute())
    sandbox_url: str = ""
    prices: Path | None = None

    @property
    def store_url(self) -> str:
        return self.database_url or f"sqlite:///{self.data_folder / 'tiebreak.db'}"

    @property
    def export_folder(self) -> Path:
        return self.data_folder / "exports"


def settings() -> Settings:
    return Settings()
