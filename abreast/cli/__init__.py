"""The commands of Abreast, one file a group: thin, fast to start, with `--json` where they print data."""
