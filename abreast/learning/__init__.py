"""Learning: from examples to a model folder."""

from abreast.core.threads import bound_spinning

bound_spinning()
