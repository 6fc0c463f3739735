"""Run one stage of `dvc.yaml`."""

from prefect import task
from prefect.cache_policies import NO_CACHE

from abreast.storage.workspace import StageKilled, Workspace


def _was_killed(task, run, state) -> bool:
    return isinstance(state.result(raise_on_failure=False), StageKilled)


@task(cache_policy=NO_CACHE, retries=1, retry_delay_seconds=1, retry_condition_fn=_was_killed)
def run_stage(workspace: Workspace, stage: str) -> bool:
    """Reproduce the stage; one whose process was killed is run once more and resumes from its checkpoint."""
    ran = workspace.reproduce(stage)
    print(f"{stage}: {'done' if ran else 'up to date'}")
    return ran
