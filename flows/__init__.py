"""The Prefect flows: when each step happens. The steps are in `tasks`, the logic is in `abreast`."""
