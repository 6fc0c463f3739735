"""Further phrasings from a command of the user, such as back-translation.

Back-translation of Sennrich et al. 2016 (arXiv:1511.06709) is one way to paraphrase. The
command reads one phrasing per line, with placeholders such as {product} in it, and writes another one for each line.
"""

import shlex
import subprocess
from collections.abc import Sequence

from abreast.core.errors import AbreastError

SECONDS = 600


def paraphrases(texts: Sequence[str], command: str) -> dict[str, list[str]]:
    """The command's paraphrase of each text.

    Args:
        command: the knob `knowledge.paraphrase_command`: a program and its arguments, run in the current folder without
            a shell.

    Raises:
        AbreastError: it cannot be started, fails, takes more than ten minutes, or writes more or fewer lines.
    """
    where = f"knowledge.paraphrase_command: {command!r}"
    try:
        done = subprocess.run(
            shlex.split(command),
            input="".join(f"{text}\n" for text in texts).encode(),
            capture_output=True,
            timeout=SECONDS,
            check=True,
        )
        lines = done.stdout.decode().removesuffix("\n").split("\n")
    except subprocess.CalledProcessError as error:
        printed = error.stderr.decode(errors="replace").strip().splitlines() or ["it printed nothing"]
        raise AbreastError(f"{where} ended with {error.returncode}: {printed[-1]}") from None
    except subprocess.TimeoutExpired:
        raise AbreastError(f"{where} took more than {SECONDS} seconds") from None
    except UnicodeDecodeError:
        raise AbreastError(f"{where} wrote something else than UTF-8") from None
    except (OSError, ValueError, IndexError) as error:
        raise AbreastError(f"{where} cannot be run: {error}; give a program and its arguments") from None
    if len(lines) != len(texts):
        raise AbreastError(f"{where} wrote {len(lines)} lines for {len(texts)}; it must write one for each")
    return {text: [line.strip()] for text, line in zip(texts, lines, strict=True)}
