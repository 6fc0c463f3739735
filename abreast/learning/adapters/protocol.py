"""The protocol of an adapter method: a class with a `Knobs` model that makes a PEFT config."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from abreast.learning.method_registry import Knobs as Knobs

if TYPE_CHECKING:
    from abreast.learning.backbone.cached_backbone import CachedBackbone
    from abreast.learning.backbone.prompt_tokenizer import TokenizedExample


class AdapterMethod(Protocol):
    """One method with its knobs.

    Attributes:
        knobs: those of `train.peft`.
        activated: whether the adapter is active only from the invocation tokens at the end of the prompt on. PEFT
            supports this for plain LoRA only (Activated LoRA, Greenewald et al. 2025, arXiv:2504.12397); any other
            adapter is active in all of a text.
    """

    knobs: Knobs

    @property
    def activated(self) -> bool: ...

    def peft_config(self, model: Any, layers: int) -> Any:
        """PEFT's config for the `layers` top layers of a model without adapter.

        Raises:
            AbreastError: the model has nothing that the method could adapt.
        """
        ...


@runtime_checkable
class HasTrainingMethods(Protocol):
    """An adapter method that brings training methods along."""

    def training_methods(self, peft_model: Any, first: bool) -> Sequence[Any]:
        """Its training methods (`abreast.learning.methods.protocol`) for a training of `peft_model`.

        Args:
            peft_model: the model to train; its weights may still be changed.
            first: whether it has no parent.
        """
        ...


@runtime_checkable
class InitFromExamples(Protocol):
    """An adapter method whose initial weights may depend on the examples."""

    def init_from_examples(
        self, peft_model: Any, backbone: "CachedBackbone", texts: "Sequence[TokenizedExample]"
    ) -> None:
        """Set the initial weights of the active adapter, which is fresh.

        Args:
            backbone: runs texts.
            texts: the examples of this adapter.

        Raises:
            AbreastError: these examples do not determine initial weights.
        """
        ...
