"""The keys of the source `files`."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, WithJsonSchema


def _path(value: object) -> object:
    if (isinstance(value, str) and value) or hasattr(value, "reveal"):
        return value
    message = "a path or URL is needed"
    raise ValueError(message)


def _one_character(value: str) -> str:
    if len(value) != 1:
        message = "one character is needed"
        raise ValueError(message)
    return value


class FilesParameters(BaseModel):
    """The keys of `source: {kind: files}`. Values may be secrets: objects with a method `reveal`."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    path: Annotated[Any, AfterValidator(_path), WithJsonSchema({"type": "string", "minLength": 1})] = Field(
        description="A file, a folder, a glob (`*`, `?`, `[a-z]`, `**`) or a URL such as `s3://bucket/*.parquet`."
    )
    format: Literal["parquet", "csv", "jsonl"] | None = Field(
        default=None, description="Needed where the names of the files do not tell it."
    )
    options: Mapping[str, Any] = Field(
        default={},
        repr=False,
        description="For the filesystem of the URL, such as `endpoint_url`, `key`, `secret`.",
    )
    delimiter: Annotated[str, AfterValidator(_one_character)] = Field(
        default=",", description="What separates the fields of CSV files."
    )
    encoding: str = Field(default="utf-8", description="The encoding of CSV files.")


def revealed(value: Any) -> Any:
    """The value itself where it is a secret."""
    return value.reveal() if hasattr(value, "reveal") else value
