"""The steps of the flows as thin Prefect tasks, without Prefect's caching, since DVC caches."""
