"""The experts in a model folder: each in a folder of its own as PEFT keeps an adapter, and the router beside them."""

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
from abreast.learning.model_folder import EXPERTS, MEMORY, SETTINGS, WEIGHTS, Candidate, check_files, write_tensors

ROUTER = "router.safetensors"
Name = Annotated[str, StringConstraints(pattern=r"^expert_[0-9]{4}$")]
_PARTS = ("counts", "means", "scatter")


class Panel(BaseModel):
    """The experts of a model, oldest first: each one's name, which is its folder's, and its domain.

    One at most has no domain: the shared expert of all records without one, and of all raw text.
    """

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")

    experts: dict[Name, str | None] = {}

    def name(self, domain: str | None) -> str | None:
        """The expert of a domain, if there is one."""
        return next((name for name, known in self.experts.items() if known == domain), None)

    def widened(self, domains: set[str | None]) -> "Panel":
        """This one with an expert for each of these domains; those that are there keep their names."""
        new = sorted(domains - set(self.experts.values()), key=lambda domain: domain or "")
        first = len(self.experts) + 1
        return Panel(experts=self.experts | {f"expert_{first + n:04d}": domain for n, domain in enumerate(new)})


@dataclass(frozen=True)
class PanelCandidate:
    """What training made of several experts.

    Attributes:
        trained: those that learned; the folders of all others are the parent's, byte for byte.
        parent: the parent's model folder, if there is a parent.
        memory: what strategies keep for the next update, by name.
    """

    panel: Panel
    trained: Mapping[str, Candidate]
    parent: Path | None
    router: Router
    memory: dict[str, Any]

    def write(self, folder: Path, base: str) -> None:
        for name in self.panel.experts:
            if name in self.trained:
                (folder / name).mkdir()
                self.trained[name].write(folder / name, base)
            else:
                shutil.copytree(self.parent / name, folder / name)
        write_tensors(folder / ROUTER, {part: getattr(self.router, part) for part in _PARTS})
        write_tensors(folder / MEMORY, self.memory)
        (folder / EXPERTS).write_text(json.dumps(self.panel.model_dump(), indent=1) + "\n")


def read_panel(folder: Path) -> tuple[Panel, Router]:
    """The experts of a model folder and their router.

    Raises:
        AbreastError: a file is missing or damaged.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    check_files(folder, EXPERTS, ROUTER)
    try:
        panel = Panel.model_validate_json((folder / EXPERTS).read_bytes())
        parts = load_file(folder / ROUTER)
        router = Router(*(parts[part] for part in _PARTS))
    except ValidationError as error:
        raise AbreastError(f"{folder / EXPERTS}: {first_validation_error(error, 'content')}") from None
    except (SafetensorError, KeyError):
        raise AbreastError(f"{folder / ROUTER}: not the router of a model with experts") from None
    if len(router.counts) != len(panel.experts):
        raise AbreastError(f"{folder / ROUTER}: knows {len(router.counts)} experts, {EXPERTS} {len(panel.experts)}")
    for name in panel.experts:
        check_files(folder / name, WEIGHTS, SETTINGS)
    return panel, router
