import json
import re

import pytest

from abreast.core.errors import AbreastError
from benchmarks.early_stopping import main
from tests.evaluation.reports import results


def rows(said: str) -> list[list[str]]:
    return [row.split(" | ") for row in re.findall(r"^\| (.*) \|$", said, re.M)[1:]]


def share(cell: str) -> float:
    return float(cell.removesuffix(" %"))


def test_simulated_pairs_keep_the_verdict_for_fewer_questions(capsys):
    main(["--pairs", "24", "--pools", "1", "--batch", "8"])
    found = rows(capsys.readouterr().out)
    assert (found[-1][1], found[-1][2]) == ("all", "24")
    assert share(found[-1][3]) >= 90.0 <= share(found[-1][5])
    assert share(found[-1][6]) < 100.0
    fails = next(row for row in found if row[1] == "fail")
    assert share(fails[4]) < 80.0


def test_real_pairs_are_all_that_were_asked_the_same(tmp_path, capsys):
    perplexity = {"general_perplexity": 20.0}
    for number, wrong in enumerate((0, 30)):
        answers = [*results("current", won=40 - wrong, neither=wrong), *results("retained", both=40)]
        folder = tmp_path / str(number)
        folder.mkdir()
        (folder / "answers.jsonl").write_text("".join(one.model_dump_json() + "\n" for one in answers))
        (folder / "texts.jsonl").touch()
        (folder / "retention.csv").touch()
        metrics = {"base": perplexity, "champion": perplexity, "candidate": perplexity}
        (folder / "metrics.json").write_text(json.dumps(metrics))
    main(["--answers", str(tmp_path), "--batch", "8"])
    found = {row[1]: row for row in rows(capsys.readouterr().out)}
    assert found["all"][2] == "6", "each against its champion, its base and the other"
    assert {cell for row in found.values() for cell in (row[3], row[5])} == {"100.0 %"}
    with pytest.raises(AbreastError, match=r"--answers: no answers\.jsonl in"):
        main(["--answers", str(tmp_path / "none")])
