"""How much worse a model answers when people mistype."""

from pydantic import BaseModel, ConfigDict, computed_field


class Robustness(BaseModel):
    """One score on the same questions, typed correctly and with typing errors, in that score's unit."""

    model_config = ConfigDict(frozen=True)

    clean: float | None
    noisy: float | None

    @computed_field
    @property
    def drop(self) -> float | None:
        """clean - noisy: what the errors cost; None where either is."""
        return None if self.clean is None or self.noisy is None else self.clean - self.noisy
