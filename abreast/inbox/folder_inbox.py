"""An inbox that is a folder: `X` beside `X.done`, or a folder that holds `_SUCCESS` or `manifest.json`."""

import filecmp
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from abreast.core.errors import AbreastError
from abreast.core.files import new_folder, staging_folder
from abreast.inbox.delivery import Delivery, fingerprint_of
from abreast.inbox.file_names import DONE, MANIFEST, SUCCESS, candidate_names, is_data, is_ignored, payload_files
from abreast.inbox.manifest import check_manifest, parse_manifest


@dataclass(frozen=True)
class FolderInbox:
    """Drops that people and programs put into a folder."""

    root: Path

    def complete(self) -> Iterator[Delivery]:
        """See `Inbox.complete`."""
        for entry in self._entries():
            if isinstance(found := self._look(entry), Delivery):
                yield found

    def incomplete(self) -> list[str]:
        """See `Inbox.incomplete`."""
        looks = ((entry.name, self._look(entry)) for entry in self._entries())
        return [f"{name}: {found}" for name, found in looks if isinstance(found, str)]

    def fetch(self, delivery: Delivery, into: Path) -> Path:
        """See `Inbox.fetch`."""
        origin = self.root / delivery.name
        base = origin if origin.is_dir() else self.root
        into.mkdir(parents=True, exist_ok=True)
        try:
            for name in delivery.files:
                (into / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(base / name, into / name)
        except FileNotFoundError as error:
            raise AbreastError(f"{error.filename}: gone since it was listed; deliver it again") from None
        except OSError as error:
            raise AbreastError(f"{into}: cannot copy {delivery.name}: {error.strerror}") from error
        found = self._look(origin)
        if not isinstance(found, Delivery) or found.fingerprint != delivery.fingerprint:
            raise AbreastError(f"{origin}: changed while it was read; it is taken when it keeps still")
        if (origin / MANIFEST).is_file():
            manifest = parse_manifest((origin / MANIFEST).read_bytes(), str(origin / MANIFEST))
            check_manifest(manifest, into, str(origin))
        return into

    def receive(self, files: dict[str, Path], name: str, single: bool) -> Delivery:
        """See `Inbox.receive`: a hidden temporary name first, then a rename that fails if the name was taken."""
        take = self._receive_file if single else self._receive_folder
        try:
            for candidate in candidate_names(name):
                if take(files, candidate):
                    return self._look(self.root / candidate)
        except OSError as error:
            raise AbreastError(f"{self.root}: cannot take {name} in: {error.strerror or error}") from error
        raise AssertionError("names never run out")

    def _entries(self) -> list[Path]:
        try:
            with os.scandir(self.root) as entries:
                names = sorted(e.name for e in entries if not is_ignored(e.name))
        except OSError as error:
            raise AbreastError(f"{self.root}: cannot list the inbox (knob `intake.inbox`): {error.strerror}") from None
        return [self.root / name for name in names]

    def _look(self, entry: Path) -> Delivery | str | None:
        """A delivery; or why it is not complete; or None for what is no delivery at all."""
        try:
            return self._look_into(entry) if entry.is_dir() else self._look_at(entry)
        except FileNotFoundError:
            return "it is being changed"

    def _look_at(self, file: Path) -> Delivery | str | None:
        if file.name.endswith(DONE):
            return None
        if not file.with_name(file.name + DONE).exists():
            return f"waits for {file.name}{DONE}" if is_data(file.name) else None
        return self._delivery(file, [file.name], self.root)

    def _look_into(self, folder: Path) -> Delivery | str:
        there = [p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()]
        if MANIFEST in there:
            try:
                manifest = parse_manifest((folder / MANIFEST).read_bytes(), MANIFEST)
            except AbreastError as error:
                return str(error)
            if missing := manifest.missing(there):
                return f"waits for {missing[0]}, which {MANIFEST} names"
            return self._delivery(folder, [file.name for file in manifest.files], folder)
        if SUCCESS not in there:
            return f"waits for {SUCCESS} or {MANIFEST}"
        names = payload_files(there)
        return self._delivery(folder, names, folder) if names else f"holds nothing but {SUCCESS}"

    def _delivery(self, entry: Path, names: list[str], base: Path) -> Delivery:
        stats = ((name, (base / name).stat()) for name in names)
        fingerprint = fingerprint_of((name, str(s.st_size), str(s.st_mtime_ns)) for name, s in stats)
        return Delivery(uri=entry.absolute().as_uri(), name=entry.name, fingerprint=fingerprint, files=tuple(names))

    def _receive_file(self, files: dict[str, Path], name: str) -> bool:
        """Put one file at `name`, its marker last; False if something else has that name."""
        (source,) = files.values()
        target = self.root / name
        with staging_folder(self.root) as staging:
            shutil.copyfile(source, staging / name)
            try:
                os.link(staging / name, target)
            except FileExistsError:
                if not (target.is_file() and filecmp.cmp(staging / name, target, shallow=False)):
                    return False
        target.with_name(name + DONE).touch()
        return True

    def _receive_folder(self, files: dict[str, Path], name: str) -> bool:
        """Put a folder with its marker at `name` in one rename; False if something else has that name."""
        target = self.root / name
        if target.is_dir() and _same_files(self._look(target), target, files):
            return True
        try:
            with new_folder(target) as staging:
                for inner, source in files.items():
                    (staging / inner).parent.mkdir(parents=True, exist_ok=True)
                    shutil.copyfile(source, staging / inner)
                (staging / SUCCESS).touch()
        except FileExistsError:
            return False
        return True


def _same_files(found: Delivery | str | None, folder: Path, files: dict[str, Path]) -> bool:
    """Whether a complete delivery holds just these files, byte by byte."""
    if not isinstance(found, Delivery) or set(found.files) != set(files):
        return False
    return all(filecmp.cmp(folder / name, source, shallow=False) for name, source in files.items())
