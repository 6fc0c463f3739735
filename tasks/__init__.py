"""The verbs that touch the world, as Prefect tasks: thin, and without Prefect's own caching, since DVC's is the one."""
