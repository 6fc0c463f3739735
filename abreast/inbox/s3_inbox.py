"""An inbox that is a prefix in an S3 bucket, on AWS or behind any endpoint.

A single object with a data suffix directly under the prefix is complete by itself, as a put is atomic; objects under
a further `name/` are one delivery, complete when `_SUCCESS` or a fulfilled `manifest.json` is among them.
"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from abreast.core.errors import AbreastError
from abreast.core.files import sha256_of
from abreast.core.s3_errors import s3_refusals
from abreast.inbox.delivery import Delivery, fingerprint_of
from abreast.inbox.file_names import (
    MANIFEST,
    SUCCESS,
    candidate_names,
    check_relative,
    is_data,
    is_ignored,
    payload_files,
)
from abreast.inbox.manifest import Manifest, check_manifest, parse_manifest

_CHECKSUM = "abreast-sha256"
_refusals = partial(s3_refusals, knob="intake.inbox", endpoint_knob="intake.endpoint")


@dataclass(frozen=True)
class S3Inbox:
    """Drops that programs put into a bucket. `prefix` is empty or ends with a slash."""

    bucket: str
    prefix: str
    endpoint: str | None
    client: Any
    _manifests: dict[tuple[str, str], Manifest] = field(default_factory=dict, repr=False)

    def complete(self) -> Iterator[Delivery]:
        """See `Inbox.complete`; one pass over the listing, a page at a time, one delivery held in memory.

        Every pass lists the whole prefix, 1,000 keys a request: S3 lists by key alone, not by time, and what arrives
        may have any name, before those seen as well as after them, so no pass can go on where the last one ended
        (`StartAfter`). Only what does not change is kept: a manifest is read once for each ETag. To bound the cost of a
        pass, let a lifecycle rule of the bucket expire what is old.
        """
        for name, single, objects in self._groups():
            if isinstance(found := self._look(name, single, objects), Delivery):
                yield found

    def incomplete(self) -> list[str]:
        """See `Inbox.incomplete`."""
        looks = ((name, self._look(name, single, objects)) for name, single, objects in self._groups())
        return [f"{name}: {found}" for name, found in looks if isinstance(found, str)]

    def fetch(self, delivery: Delivery, into: Path) -> Path:
        """See `Inbox.fetch`; objects are streamed to disk."""
        single = not delivery.uri.endswith("/")
        base = self.prefix if single else f"{self.prefix}{delivery.name}/"
        found = self._look_again(delivery.name, single)
        if not isinstance(found, Delivery) or found.fingerprint != delivery.fingerprint:
            raise AbreastError(f"{delivery.uri}: changed since it was listed; it is taken when it keeps still")
        for name in delivery.files:
            check_relative(name, delivery.uri)
            self._download(base + name, into / name)
        if not single and (manifest := self._manifest_of(base)):
            check_manifest(manifest, into, delivery.uri)
        return into

    def receive(self, files: dict[str, Path], name: str, single: bool) -> Delivery:
        """See `Inbox.receive`: a file is one conditional put; of a folder the marker goes last."""
        take = self._receive_file if single else self._receive_folder
        for candidate in candidate_names(name):
            if take(files, candidate):
                return self._look_again(candidate, single)
        raise AssertionError("names never run out")

    def _objects(self, prefix: str) -> Iterator[tuple[str, str, int]]:
        """(key, ETag, size) of every object under a prefix, in the order of keys."""
        with self._refusals():
            for page in self.client.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=prefix):
                yield from ((o["Key"], o["ETag"], o["Size"]) for o in page.get("Contents", ()))

    def _groups(self) -> Iterator[tuple[str, bool, dict[str, tuple[str, int]]]]:
        """Name, whether it is a single object, and its objects: keys come sorted, so those of one folder together."""

        def first_part(item: tuple[str, str, int]) -> tuple[str, bool]:
            head, slash, _ = item[0][len(self.prefix) :].partition("/")
            return head, bool(slash)

        for (name, is_folder), group in groupby(self._objects(self.prefix), key=first_part):
            if name and not is_ignored(name):
                base = f"{self.prefix}{name}/" if is_folder else self.prefix
                objects = {key[len(base) :]: (etag, size) for key, etag, size in group if key != base}
                yield name, not is_folder, objects

    def _listed(self, key: str, single: bool) -> dict[str, tuple[str, int]]:
        """The objects of one delivery: the very key, or all under it."""
        base = self.prefix if single else key
        listed = self._objects(key)
        return {k[len(base) :]: (etag, size) for k, etag, size in listed if (k == key) == single}

    def _look_again(self, name: str, single: bool) -> Delivery | str | None:
        return self._look(name, single, self._listed(self.prefix + name + ("" if single else "/"), single))

    def _look(self, name: str, single: bool, objects: dict[str, tuple[str, int]]) -> Delivery | str | None:
        """A delivery; or why it is not complete; or None for what is no delivery at all."""
        if single:
            return self._delivery(name, [name], objects) if objects and is_data(name) else None
        base = f"{self.prefix}{name}/"
        if MANIFEST in objects:
            try:
                manifest = self._manifest(base + MANIFEST, objects[MANIFEST][0])
            except AbreastError as error:
                return str(error)
            if missing := manifest.missing(objects):
                return f"waits for {missing[0]}, which {MANIFEST} names"
            return self._delivery(name + "/", [file.name for file in manifest.files], objects)
        if SUCCESS not in objects:
            return f"waits for {SUCCESS} or {MANIFEST}"
        names = payload_files(objects)
        return self._delivery(name + "/", names, objects) if names else f"holds nothing but {SUCCESS}"

    def _delivery(self, name: str, names: list[str], objects: dict[str, tuple[str, int]]) -> Delivery:
        fingerprint = fingerprint_of((n, objects[n][0], str(objects[n][1])) for n in names)
        uri = f"s3://{self.bucket}/{self.prefix}{name}"
        return Delivery(uri=uri, name=name.removesuffix("/"), fingerprint=fingerprint, files=tuple(names))

    def _manifest(self, key: str, etag: str) -> Manifest:
        """The manifest at a key, read once for each ETag."""
        if (key, etag) not in self._manifests:
            with self._refusals():
                body = self.client.get_object(Bucket=self.bucket, Key=key)["Body"].read()
            self._manifests[key, etag] = parse_manifest(body, f"s3://{self.bucket}/{key}")
        return self._manifests[key, etag]

    def _manifest_of(self, base: str) -> Manifest | None:
        entry = self._listed(base + MANIFEST, True).values()
        return next((self._manifest(base + MANIFEST, etag) for etag, _ in entry), None)

    def _download(self, key: str, target: Path) -> None:
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            with self._refusals(), target.open("wb") as file:
                shutil.copyfileobj(self.client.get_object(Bucket=self.bucket, Key=key)["Body"], file, 1 << 20)
        except OSError as error:
            raise AbreastError(f"{target.parent}: cannot store {key}: {error.strerror or error}") from error

    def _receive_file(self, files: dict[str, Path], name: str) -> bool:
        (source,) = files.values()
        return self._put(source, self.prefix + name) or self._holds(source, self.prefix + name)

    def _receive_folder(self, files: dict[str, Path], name: str) -> bool:
        base = f"{self.prefix}{name}/"
        there = set(payload_files(self._listed(base, False)))
        if there - set(files) or not all(self._holds(files[inner], base + inner) for inner in there):
            return False
        for inner in set(files) - there:
            if not self._put(files[inner], base + inner):
                return False
        with self._refusals():
            self.client.put_object(Bucket=self.bucket, Key=base + SUCCESS, Body=b"")
        return True

    def _put(self, source: Path, key: str) -> bool:
        """Upload if the key is free; False if it is taken."""
        from botocore.exceptions import ClientError

        metadata = {_CHECKSUM: sha256_of(source)}
        with self._refusals(), source.open("rb") as body:
            try:
                self.client.put_object(Bucket=self.bucket, Key=key, Body=body, Metadata=metadata, IfNoneMatch="*")
            except ClientError as error:
                if error.response["Error"]["Code"] in ("PreconditionFailed", "ConditionalRequestConflict", "412"):
                    return False
                raise
        return True

    def _holds(self, source: Path, key: str) -> bool:
        """Whether the object at `key` was delivered from the very content of `source`."""
        with self._refusals():
            head = self.client.head_object(Bucket=self.bucket, Key=key)
        return head["Metadata"].get(_CHECKSUM) == sha256_of(source)

    @contextmanager
    def _refusals(self) -> Iterator[None]:
        with _refusals(f"s3://{self.bucket}/{self.prefix}", self.endpoint):
            yield


def open_s3_inbox(url: str, endpoint: str | None) -> S3Inbox:
    """Open `s3://bucket/prefix`; credentials come from the usual places of AWS (environment, profile, role)."""
    import boto3
    from botocore.config import Config

    parts = urlsplit(url)
    prefix = parts.path.strip("/")
    if not parts.netloc:
        raise AbreastError(f"knob `intake.inbox` is {url!r}: it names no bucket; expected s3://bucket/prefix")
    if endpoint is not None and urlsplit(endpoint).scheme not in ("http", "https"):
        raise AbreastError(f"knob `intake.endpoint` is {endpoint!r}: expected a URL such as http://host:8333")
    retries = {"max_attempts": 3, "mode": "standard"}
    with _refusals(url, endpoint):
        session = boto3.session.Session()
        region = session.region_name or ("us-east-1" if endpoint else None)
        config = Config(connect_timeout=5, read_timeout=60, retries=retries)
        client = session.client("s3", endpoint_url=endpoint, region_name=region, config=config)
    return S3Inbox(bucket=parts.netloc, prefix=f"{prefix}/" if prefix else "", endpoint=endpoint, client=client)
