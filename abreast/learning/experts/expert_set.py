"""The experts in a model folder: each in a subfolder that PEFT can load, and the router beside them."""

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError

from abreast.core.errors import AbreastError
from abreast.core.validation import first_validation_error
from abreast.learning.experts.router import Router
from abreast.learning.model_folder import (
    CARRIED_STATE,
    EXPERTS,
    SETTINGS,
    WEIGHTS,
    TrainedAdapter,
    check_files,
    write_tensors,
)

ROUTER = "router.safetensors"
Name = Annotated[str, StringConstraints(pattern=r"^expert_[0-9]{4}$")]
_PARTS = ("counts", "means", "scatter")


class ExpertSet(BaseModel):
    """The experts of a model, oldest first: the name of each, which is also its subfolder, and its domain.

    At most one has no domain: the shared expert of all records without a domain, and of all raw text.
    """

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")

    experts: dict[Name, str | None] = {}

    def name(self, domain: str | None) -> str | None:
        """The name of the expert of a domain, if there is one."""
        return next((name for name, own in self.experts.items() if own == domain), None)

    def extended(self, domains: set[str | None]) -> "ExpertSet":
        """This set with an expert for each of these domains; existing experts keep their names."""
        new = sorted(domains - set(self.experts.values()), key=lambda domain: domain or "")
        first = len(self.experts) + 1
        return ExpertSet(experts=self.experts | {f"expert_{first + n:04d}": domain for n, domain in enumerate(new)})


@dataclass(frozen=True)
class TrainedExperts:
    """The result of training several experts.

    Attributes:
        trained: the experts that learned; the subfolders of all others are copied from the parent, byte for byte.
        parent: the parent's model folder, if there is a parent.
        carried_state: tensors of the methods for the next update, by name.
    """

    expert_set: ExpertSet
    trained: Mapping[str, TrainedAdapter]
    parent: Path | None
    router: Router
    carried_state: dict[str, Any]

    def write(self, folder: Path, base: str) -> None:
        for name in self.expert_set.experts:
            if name in self.trained:
                (folder / name).mkdir()
                self.trained[name].write(folder / name, base)
            else:
                shutil.copytree(self.parent / name, folder / name)
        write_tensors(folder / ROUTER, {part: getattr(self.router, part) for part in _PARTS})
        write_tensors(folder / CARRIED_STATE, self.carried_state)
        (folder / EXPERTS).write_text(json.dumps(self.expert_set.model_dump(), indent=1) + "\n")


def read_expert_set(folder: Path) -> tuple[ExpertSet, Router]:
    """The experts of a model folder and their router.

    Raises:
        AbreastError: a file is missing or damaged.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    check_files(folder, EXPERTS, ROUTER)
    try:
        expert_set = ExpertSet.model_validate_json((folder / EXPERTS).read_bytes())
        parts = load_file(folder / ROUTER)
        router = Router(*(parts[part] for part in _PARTS))
    except ValidationError as error:
        raise AbreastError(f"{folder / EXPERTS}: {first_validation_error(error, 'content')}") from None
    except (SafetensorError, KeyError):
        raise AbreastError(f"{folder / ROUTER}: not the router of a model with experts") from None
    if (found := len(router.counts)) != (needed := len(expert_set.experts)):
        raise AbreastError(f"{folder / ROUTER}: is for {found} experts, but {EXPERTS} lists {needed}")
    for name in expert_set.experts:
        check_files(folder / name, WEIGHTS, SETTINGS)
    return expert_set, router
