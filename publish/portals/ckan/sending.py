"""Sending files to a CKAN, with what is said of them in the same call, and looking whether they arrived."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from publish.plans import PortalError
from publish.portals.ckan.client import Client, TooLargeError
from publish.portals.ckan.encoding import encoded
from publish.portals.ckan.serving import arrived
from warehouse.progress import Progress


@dataclass(frozen=True)
class Outgoing:
    """A file to be sent. ``size`` in bytes; ``url`` is where the portal serves it afterwards."""

    path: Path
    sha256: str
    size: int
    url: str


@dataclass(frozen=True)
class Sender:
    """Sends the files of one dataset."""

    client: Client
    dataset: str
    progress: Progress

    def send(
        self,
        package_id: str,
        data: Mapping[str, str],
        files: Mapping[str, Outgoing],
        then: Callable[[], None] = lambda: None,
    ) -> dict[str, str]:
        """Send files by their resources' ids, together with a call's data; when each of them arrived.

        Args:
            package_id: the dataset's.
            data: of the call.
            files: by resource.
            then: what must follow at once, before the files are looked at.

        Raises:
            PortalError: the portal refuses them, or serves other bytes after two attempts; then it is left without
                their sums, so it claims nothing false, and the next run sends them again.
        """
        package = self._revise(data, files)
        then()
        seen, wrong = self._look(package, files)
        if wrong:
            again = self._revise(encoded({"match__id": package_id}), {rid: files[rid] for rid in wrong})
            more, wrong = self._look(again, {rid: files[rid] for rid in wrong})
            seen |= more
        if wrong:
            blank = {f"update__resources__{rid}__hash": "" for rid in wrong}
            self.client.call("package_revise", encoded({"match__id": package_id, **blank}))
            raise PortalError(
                f"{self.dataset}: after two attempts the portal serves other bytes than were sent for"
                f" {', '.join(files[rid].path.name for rid in wrong)}. Look at the portal's storage and at caches"
                " before it"
            )
        return seen

    def _revise(self, data: Mapping[str, str], files: Mapping[str, Outgoing]) -> Mapping[str, Any]:
        total = sum(file.size for file in files.values())

        def sent(count: int) -> None:
            self.progress(f"{self.dataset}: upload", min(count, total), total, "bytes")

        with ExitStack() as stack:
            opened = {
                f"update__resources__{rid}__upload": stack.enter_context(file.path.open("rb"))
                for rid, file in files.items()
            }
            try:
                answer = self.client.call("package_revise", data, files=opened, sent=sent)
            except TooLargeError as error:
                largest = max(files.values(), key=lambda file: file.size)
                problem = PortalError(
                    f"{self.dataset}: the portal refuses the files as too large ({error}); the largest is"
                    f" {largest.path.name} with {largest.size / 1e6:,.1f} MB. Have the portal's administrator "
                    "raise ckan.max_resource_size (in MB; 10 unless set) and the limit of the web server before it"
                    " (nginx: client_max_body_size), then publish again"
                )
                raise problem from None
        return dict((answer or {}).get("package") or {})

    def _look(
        self, package: Mapping[str, Any], files: Mapping[str, Outgoing]
    ) -> tuple[dict[str, str], Sequence[str]]:
        """When the files arrived, and which of them the portal does not serve as they were sent."""
        items = {str(item["id"]): item for item in package.get("resources", ())}
        seen, wrong, done = {}, [], 0
        total = sum(file.size for file in files.values())
        for rid, file in files.items():
            served = self.client.download(file.url)
            if served.sha256 == file.sha256:
                seen[rid] = arrived(items.get(rid, {}), served)
            else:
                wrong.append(rid)
            done += file.size
            self.progress(f"{self.dataset}: verify", done, total, "bytes")
        return seen, wrong
