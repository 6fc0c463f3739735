"""The sections `review` and `services`."""

from pydantic import Field

from abreast.core.settings.section import Port, Section


class ReviewSettings(Section):
    """What waits for a person; an inconclusive version always does, see docs/review.md."""

    require_approval: bool = Field(False, description="true: a version that passed waits for an approval too")


class ServerSettings(Section):
    """The local servers that `abreast up` starts."""

    host: str = Field("127.0.0.1", description="address that they listen on")
    prefect_port: Port = Field(4200, description="port of the Prefect server")
    mlflow_port: Port = Field(5000, description="port of the MLflow server")
