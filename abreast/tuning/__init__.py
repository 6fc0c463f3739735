"""The search for better knobs: a study of trainings on one snapshot, each a run in MLflow."""
