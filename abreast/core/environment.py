"""The environment of every process that belongs to a project: servers, worker, flows and stages."""

import os
import sys
from pathlib import Path

from abreast.core.project import Project

PREFECT = {
    # How long a run that waits for another of its deployment sleeps before it looks again; the default is 30.
    "PREFECT_SERVER_DEPLOYMENTS_CONCURRENCY_SLOT_WAIT_SECONDS": "2",
    # Each look of the worker costs the server a request, five queries and two background tasks.
    "PREFECT_WORKER_QUERY_SECONDS": "3",
    # What looks for something that no flow here does: pausing a run.
    "PREFECT_SERVER_SERVICES_PAUSE_EXPIRATIONS_ENABLED": "false",
    # What keeps lists tidy; nothing waits for it. The defaults are 5 to 20 s.
    "PREFECT_SERVER_SERVICES_CANCELLATION_CLEANUP_LOOP_SECONDS": "60",
    "PREFECT_SERVER_SERVICES_CLEANUP_RECONCILER_LOOP_SECONDS": "60",
    "PREFECT_SERVER_SERVICES_FOREMAN_LOOP_SECONDS": "60",
    "PREFECT_SERVER_SERVICES_LATE_RUNS_LOOP_SECONDS": "30",
    "PREFECT_SERVER_SERVICES_REPOSSESSOR_LOOP_SECONDS": "30",
    "PREFECT_SERVER_SERVICES_SCHEDULER_RECENT_DEPLOYMENTS_LOOP_SECONDS": "15",
    # Triggers that wait for the absence of an event; intake's waits for its presence and acts at once.
    "PREFECT_SERVER_EVENTS_PROACTIVE_GRANULARITY": "PT60S",
}
"""Prefect's settings that keep its server quiet while nothing happens; `os.environ` wins, as the user's own choice."""


def environment(project: Project) -> dict[str, str]:
    """`os.environ` with the addresses and folders of the project; nothing reports home, nothing is unpickled."""
    services = project.params.services
    return {
        **PREFECT,
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}",
        "PYTHONUNBUFFERED": "1",
        "ABREAST_PROJECT": str(project.root),
        "ABREAST_HOME": str(project.home.root),
        "PREFECT_HOME": str(project.home.root / "prefect"),
        "PREFECT_API_URL": project.prefect_api,
        "PREFECT_UI_API_URL": f"http://{services.host}:{services.prefect_port}/api",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "1",
        "MLFLOW_TRACKING_URI": project.mlflow_uri,
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        "MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "false",
        "GX_ANALYTICS_ENABLED": "false",
    }
