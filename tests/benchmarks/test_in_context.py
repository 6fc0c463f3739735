import csv
import json
from pathlib import Path

import yaml

from abreast.core.settings import GATES
from abreast.dataset import split
from abreast.dataset.examples import read_questions
from abreast.gates.judge import judge
from abreast.knowledge import assemble
from abreast.reports.reports import read_reports
from benchmarks.in_context import main
from benchmarks.learn_stream import SOURCE
from tests.dataset.making import clone, drop, release
from tests.learning.tiny import write_tiny_base


def test_the_untrained_base_is_asked_what_every_way_is_asked(tmp_path, monkeypatch):
    monkeypatch.setenv("ABREAST_HOME", str(tmp_path / "home"))
    rows = [release("Python", f"3.{n}", f"3.{n}.1", "2024-04-01") for n in range(4)]
    labels = [{"text": f"Card {n} is lost.", "label": "lost"} for n in range(40)]
    root = clone(tmp_path / "project", [drop("one", rows), drop("two", labels, 2)])
    (root / "general.txt").write_text("The ferry left the harbour a little after six.\n")
    base = {"base": str(write_tiny_base(tmp_path / "base")), "prompt": "{question}:", "device": "cpu"}
    templates = {"templates": str(SOURCE / "abreast/dataset/templates.yaml")}
    evaluate = {"general_text": "general.txt", "unrelated_questions": "general.txt", "max_new_tokens": 4}
    (root / "params.yaml").write_text(yaml.safe_dump({"model": base, "knowledge": templates, "evaluate": evaluate}))
    monkeypatch.chdir(root)
    assemble.main()
    split.main()
    main(["--shots", "1"])
    metrics = json.loads(Path("reports/metrics.json").read_text())
    asked = len(read_questions(split.QUESTIONS))
    assert metrics["counts"] == {"current": asked, "retained": 0, "superseded": 0}
    assert metrics["candidate"]["general_perplexity"] == metrics["base"]["general_perplexity"] > 1.0
    assert metrics["candidate"]["current_exact_match"] == 0.0, "random weights know nothing"
    assert set(metrics["by_kind"]) == {"fact", "classification"}
    assert "accuracy" in metrics["by_kind"]["classification"]["candidate"]["known"]
    assert judge(read_reports(Path("reports")), GATES).verdict == "fail"
    rows = list(csv.DictReader(Path("reports/retention.csv").read_text().splitlines()))
    assert [(row["name"], row["base"], row["candidate"]) for row in rows] == [("one", "", "0.0"), ("two", "", "0.0")]
