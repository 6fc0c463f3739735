"""The commands of Abreast, one file a group; all of them thin, fast to start, and with `--json` where they print data."""
