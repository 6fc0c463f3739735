"""Evaluation: from a model folder and questions to figures and a verdict."""

import abreast.learning  # noqa: F401  sets how threads wait, before torch is loaded
