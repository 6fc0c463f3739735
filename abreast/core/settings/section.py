"""What every section of `params.yaml` has in common."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Share = Annotated[float, Field(ge=0.0, le=1.0)]
Port = Annotated[int, Field(ge=1, le=65535)]


class Section(BaseModel):
    """A group of knobs: immutable, no unknown key, no silent conversion of types."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")
