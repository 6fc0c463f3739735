"""When things happen: Prefect flows, readable aloud. What they do is in `tasks`, what they know is in `abreast`."""
