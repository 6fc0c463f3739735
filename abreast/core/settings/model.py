"""The section `model`."""

from typing import Literal

from pydantic import Field

from abreast.core.settings.section import Section


class Model(Section):
    """The model: its registered name, its base weights and how a question is put to it."""

    name: str = Field("abreast", pattern=r"^[A-Za-z0-9_.-]+$", description="name of the registered model in MLflow")
    base: str = Field(
        "packaged:smollm2-135m-instruct", description="base weights: hub id, local path or packaged model"
    )
    device: str = Field("auto", description="auto, cpu, cuda or cuda:N")
    dtype: Literal["float32", "bfloat16"] = Field("float32", description="type of the weights")
    prompt: str = Field("Question: {question}\nAnswer:", description="prompt template; must contain {question}")
