import shlex
import sys

import pytest

from abreast.core.errors import AbreastError
from abreast.core.settings import Knowledge
from abreast.dataset import paraphrase, split
from abreast.dataset.paraphrase import paraphrases
from abreast.dataset.templates import load_templates
from tests.dataset.test_templates import SHIPPED

pytestmark = pytest.mark.process


def python(program: str) -> str:
    return shlex.join([sys.executable, "-c", f"import sys\n{program}"])


UPPER = python("for line in sys.stdin: print('Tell me:', line.strip())")


def test_a_command_reads_lines_and_writes_lines():
    assert paraphrases(["What is {key}?", "Größe von {key}?"], UPPER) == {
        "What is {key}?": ["Tell me: What is {key}?"],
        "Größe von {key}?": ["Tell me: Größe von {key}?"],
    }


def test_its_phrasings_are_taught_unless_they_lose_a_placeholder_or_are_asked(capsys):
    shipped = load_templates(SHIPPED)
    asked = shipped.fields["default"].test[0]
    program = f"lines = sys.stdin.read().replace('What is {{key}}?', {asked!r}).splitlines()\n"
    program += f"for line in lines: print(line if line == {asked!r} else line.lower() + ' pray')"
    widened = split._templates(Knowledge(templates=str(SHIPPED), paraphrase_command=python(program)))
    for field, phrasings in widened.fields.items():
        before = shipped.fields[field]
        new = phrasings.train[len(before.train) :]
        assert phrasings.train[: len(before.train)] == before.train
        assert new == tuple(f"{text.lower()} pray" for text in before.train if text != "What is {key}?")
        assert (phrasings.dev, phrasings.test) == (before.dev, before.test)
    assert "14 further phrasings of 15" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("command", "says"),
    [
        ("no-such-program --fast", "cannot be run: .*no-such-program"),
        ("'unclosed", "cannot be run: No closing quotation"),
        ("", "cannot be run: "),
        (python("sys.exit('the model is missing')"), "ended with 1: the model is missing$"),
        (python("sys.exit(3)"), "ended with 3: it printed nothing$"),
        (python("print('one')"), "wrote 1 lines for 2; it must write one for each$"),
        (python("sys.stdout.buffer.write(b'\\xff\\n\\xfe\\n')"), "wrote something else than UTF-8$"),
    ],
)
def test_a_command_that_does_not_is_refused(command, says):
    with pytest.raises(AbreastError, match=rf"(?s)^knowledge\.paraphrase_command: .*{says}"):
        paraphrases(["a {key}", "b {key}"], command)


def test_a_command_that_never_ends_is_stopped(monkeypatch):
    monkeypatch.setattr(paraphrase, "SECONDS", 0.5)
    with pytest.raises(AbreastError, match="took more than 0.5 seconds"):
        paraphrases(["a"], python("import time; time.sleep(60)"))


def test_a_command_that_changes_nothing_is_refused():
    with pytest.raises(AbreastError, match="made no new phrasing that keeps its placeholders"):
        split._templates(
            Knowledge(templates=str(SHIPPED), paraphrase_command=python("print(sys.stdin.read(), end='')"))
        )
