"""The gates of params.yaml: the rules, and the verdict that they lead to. The tests are in `abreast.statistics`."""
