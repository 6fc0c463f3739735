"""Every knob of Abreast: `params.yaml` read into frozen, strict models, one file a group of sections.

The models are the only source of defaults and descriptions: `params.yaml` as it is shipped is written from them
(`abreast.core.settings.write`). A knob is in the section of the stage that it changes, since a DVC stage depends on
whole sections.
"""

from abreast.core.settings.data import Contract, Intake, Kind, Knowledge, QuestionForm, Split, Storage
from abreast.core.settings.default_gates import GATES
from abreast.core.settings.describe import all_knobs
from abreast.core.settings.evaluate import Drift, EarlyStopping, Evaluate
from abreast.core.settings.gates import (
    SERVING_MEASURES,
    AnswerGate,
    AnyGate,
    DriftGate,
    FigureGate,
    Gate,
    GeneralPerplexityGate,
    LocalityGate,
    RobustnessGate,
    SafetyGate,
    ServingGate,
    TextPerplexityGate,
)
from abreast.core.settings.model import Model
from abreast.core.settings.params import Params
from abreast.core.settings.read import load_params, parse_params
from abreast.core.settings.review_and_services import ReviewSettings, ServerSettings
from abreast.core.settings.section import Section
from abreast.core.settings.train import Train

__all__ = [
    "GATES",
    "SERVING_MEASURES",
    "AnswerGate",
    "AnyGate",
    "Contract",
    "Drift",
    "DriftGate",
    "EarlyStopping",
    "Evaluate",
    "FigureGate",
    "Gate",
    "GeneralPerplexityGate",
    "Intake",
    "Kind",
    "Knowledge",
    "LocalityGate",
    "Model",
    "Params",
    "QuestionForm",
    "ReviewSettings",
    "RobustnessGate",
    "SafetyGate",
    "Section",
    "ServerSettings",
    "ServingGate",
    "Split",
    "Storage",
    "TextPerplexityGate",
    "Train",
    "all_knobs",
    "load_params",
    "parse_params",
]
