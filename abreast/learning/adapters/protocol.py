"""What a way to adapt the base is: a class with a `Knobs` model that gives PEFT its settings."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from abreast.learning.method import Knobs as Knobs

if TYPE_CHECKING:
    from abreast.learning.backbone.cached_backbone import Trunk
    from abreast.learning.backbone.prompt_tokenizer import Encoded


class Adaptation(Protocol):
    """One method with its knobs.

    Attributes:
        knobs: what `train.peft` says.
        sleeps: whether it sleeps while a prompt is read and wakes at the mark that ends it. PEFT can keep that for
            plain LoRA only (Activated LoRA, Greenewald et al. 2025, arXiv:2504.12397); all else is awake throughout.
    """

    knobs: Knobs

    @property
    def sleeps(self) -> bool: ...

    def settings(self, model: Any, layers: int) -> Any:
        """PEFT's settings for the `layers` uppermost layers of a causal language model, which holds no adapter yet.

        Raises:
            AbreastError: the model has nothing that the method could adapt.
        """
        ...


@runtime_checkable
class Accompanied(Protocol):
    """A method that does more than to be trained."""

    def strategies(self, adapted: Any, first: bool) -> Sequence[Any]:
        """What it does beside the lessons (`abreast.learning.methods.protocol`) in a training of `adapted`.

        Args:
            adapted: PEFT's model, about to be trained; its weights may still be changed.
            first: whether it has no parent.
        """
        ...


@runtime_checkable
class FromLessons(Protocol):
    """A method whose adapter may begin where the lessons say."""

    def start(self, adapted: Any, trunk: "Trunk", texts: "Sequence[Encoded]") -> None:
        """Put the weights of the active adapter, which is fresh, where a training begins.

        Args:
            adapted: PEFT's model.
            trunk: runs texts.
            texts: what this adapter is going to be taught.

        Raises:
            AbreastError: nothing can be begun from these texts.
        """
        ...
