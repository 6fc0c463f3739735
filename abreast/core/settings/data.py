"""The sections about data: `knowledge`, `intake`, `contract`, `storage` and `split`."""

from typing import Literal, get_args

from pydantic import Field, field_validator

from abreast.core.settings.section import Section, Share

QuestionForm = Literal["direct", "reverse", "contrast"]
Kind = Literal["fact", "instruction", "classification", "tagging", "regression", "text"]


class Knowledge(Section):
    """How records become training examples."""

    templates: str = Field("abreast/dataset/templates.yaml", description="phrasings of facts; edit them for your data")
    question_forms: tuple[QuestionForm, ...] = Field(
        ("direct",), description="question forms for facts, see docs/remembering.md"
    )
    paraphrase_command: str | None = Field(
        None, description="command that rephrases templates, lines in and lines out; null: none"
    )

    @field_validator("question_forms")
    @classmethod
    def _direct(cls, forms: tuple[QuestionForm, ...]) -> tuple[QuestionForm, ...]:
        if "direct" not in forms or len(set(forms)) < len(forms):
            raise ValueError("must contain `direct`, and each form once")
        return forms


class Intake(Section):
    """Where drops arrive and what a row must satisfy."""

    inbox: str = Field(".abreast/inbox", description="a folder, or s3://bucket/prefix")
    endpoint: str | None = Field(None, description="S3 endpoint URL; null: AWS")
    poll_seconds: float = Field(5.0, gt=0, description="seconds between two listings of an S3 inbox")
    max_bad_share: Share = Field(0.05, description="a drop with a larger share of bad rows is quarantined whole")
    max_chars: int = Field(4000, gt=0, description="longest text field of a row, in characters")
    near_duplicate: Share = Field(0.9, description="Jaccard similarity above which two free texts count as one")
    kinds: tuple[Kind, ...] = Field(get_args(Kind), description="record kinds that this model learns")


class Contract(Section):
    """The contract that a drop must meet."""

    file: str = Field("abreast/contract/contract.yaml", description="Great Expectations suite; edit it for your data")


class Storage(Section):
    """Where data and records are kept."""

    remote: str = Field(".abreast/remote", description="DVC remote: a folder, or s3://bucket/prefix")
    endpoint: str | None = Field(None, description="S3 endpoint URL of the remote; null: AWS")
    ledger: str = Field("sqlite:///.abreast/ledger.db", description="SQLAlchemy URL; PostgreSQL in production")


class Split(Section):
    """What is trained on, what is replayed and what is asked."""

    seed: int = Field(17, description="seed of the split and of the replay")
    replay: Literal["round_robin", "reservoir", "balanced", "prioritized", "none"] = Field(
        "round_robin", description="how old records are chosen for replay, see docs/remembering.md"
    )
    replay_ratio: float = Field(2.0, ge=0.0, description="replayed old examples per new example")
    replay_min: int = Field(200, ge=0, description="at least this many replayed examples, if there are so many")
    current_questions: int = Field(120, gt=0, description="most test questions about this drop")
    retained_questions: int = Field(
        120,
        gt=0,
        description="most test questions about what was known before; few facts are asked in several phrasings",
    )
