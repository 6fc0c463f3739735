"""The commands of Abreast, each in the file of its name: thin, fast to start, with `--json` where they print data."""
