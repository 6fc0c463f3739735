"""The environment of every process that belongs to a project: servers, worker, flows and stages."""

import os
import sys
from pathlib import Path

from abreast.core.project import Project


def environment(project: Project) -> dict[str, str]:
    """`os.environ` with the addresses and folders of the project; nothing reports home, nothing is unpickled."""
    services = project.params.services
    return {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}",
        "PYTHONUNBUFFERED": "1",
        "ABREAST_PROJECT": str(project.root),
        "ABREAST_HOME": str(project.home.root),
        "PREFECT_HOME": str(project.home.root / "prefect"),
        "PREFECT_API_URL": project.prefect_api,
        "PREFECT_UI_API_URL": f"http://{services.host}:{services.prefect_port}/api",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_WORKER_QUERY_SECONDS": "1",
        # How long a run that waits for another of its deployment sleeps before it looks again; the default is 30.
        "PREFECT_SERVER_DEPLOYMENTS_CONCURRENCY_SLOT_WAIT_SECONDS": "2",
        "DO_NOT_TRACK": "1",
        "MLFLOW_TRACKING_URI": project.mlflow_uri,
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        "MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "false",
        "GX_ANALYTICS_ENABLED": "false",
    }
