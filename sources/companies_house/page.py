"""The publisher's download page: which files it offers, and which of them to take.

The page of June 2020 links a file with everything and the same in six parts, all by relative addresses
(``BasicCompanyDataAsOneFile-2020-06-01.zip``, ``BasicCompanyData-2020-06-01-part1_6.zip``). The number of parts
grew from five in 2018 to seven in 2024.
"""

from __future__ import annotations

from datetime import date
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urljoin, urlsplit, urlunsplit

from sources import SourceError
from sources.naming import Item, file_sets, is_called, missing_parts, name_in
from warehouse.addresses import is_url, without_credentials


class _Links(HTMLParser):
    """Collects the targets of links, and the page's base if it names one."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.base: str | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """One opening tag."""
        target = dict(attrs).get("href")
        if tag == "a" and target:
            self.found.append(target.strip())
        elif tag == "base" and target and self.base is None:
            self.base = target.strip()


def _is_product(link: str, pattern: str) -> bool:
    """Whether a link leads to a file of the product; one that is no address does not."""
    try:
        return is_called(name_in(urlsplit(link).path), pattern)
    except ValueError:
        return False


def newest_set(text: str, where: str, day: date, pattern: str) -> list[str]:
    """The links of the newest complete set up to ``day``, as they stand on the page: one file, else all parts.

    Args:
        text: the page.
        where: the page's place, for messages.
        day: files that speak of a later day are left alone, so that a run for last March stays in last March.
        pattern: the form of the files' names.

    Raises:
        SourceError: the page links no such set.
    """
    parser = _Links()
    try:
        parser.feed(text)
    except AssertionError as error:  # what Python's parser makes of a declaration it does not know
        raise SourceError(f"{where}: not a page that can be read ({error}). Open it in a browser.") from None
    links = [link for link in parser.found if _is_product(link, pattern)]
    if not links:
        raise SourceError(
            f"{where}: links no file with a name of the form {pattern}. The page has changed or is"
            " another one: open it in a browser, and hand in the zip's address or the downloaded file instead."
        )
    # A page that is being changed may lack parts for an hour: then last month's stand.
    sets = {found: names for found, names in file_sets(links).items() if not missing_parts(map(name_in, names))}
    in_time = [found for found in sets if found <= day]
    if not in_time:
        said = (
            f"the complete sets on it are of {', '.join(str(found) for found in sorted(sets))}"
            if sets
            else f"of its parts some are missing: {', '.join(sorted(name_in(link) for link in links)[:10])}"
        )
        raise SourceError(f"{where}: no complete set for {day.isoformat()} or before; {said}.")
    chosen = sets[max(in_time)]
    try:
        return [urljoin(parser.base, link) if parser.base else link for link in chosen]
    except ValueError:
        raise SourceError(f"{where}: says that its links begin at {parser.base!r:.100}, no address") from None


def items(text: str, asked: str, final: str, day: date, pattern: str) -> list[Item]:
    """The files a page offers, as addresses.

    Args:
        text: the page.
        asked: the address as it was asked for; credentials in it go along to files on the same host.
        final: the address after redirects, against which relative links are resolved.
        day: the logical day.
        pattern: the form of the files' names.
    """
    links = [urljoin(final, link) for link in newest_set(text, without_credentials(asked), day, pattern)]
    user, host = urlsplit(asked).netloc.rpartition("@")[::2]
    found = []
    for link in links:
        parts = urlsplit(link)
        if parts.scheme not in ("http", "https"):
            raise SourceError(f"{without_credentials(asked)}: links {link[:100]}, which is no web address")
        if user and parts.netloc == host and parts.scheme == urlsplit(asked).scheme:
            link = urlunsplit(parts._replace(netloc=f"{user}@{host}"))
        found.append(Item(link, name_in(link)))
    return found


def local_items(path: Path, day: date, pattern: str) -> list[Item]:
    """The files a saved page offers, which must lie beside it (absolute addresses are taken as they are)."""
    found = []
    for link in newest_set(path.read_text(encoding="utf-8", errors="replace"), str(path), day, pattern):
        if is_url(link):
            found.append(Item(link, name_in(link)))
            continue
        beside = path.parent / name_in(link)
        if not beside.is_file():
            raise SourceError(f"{path}: links {name_in(link)}, which does not lie beside it. Put the file there.")
        found.append(Item(str(beside), beside.name))
    if len({is_url(item.location) for item in found}) > 1:
        raise SourceError(f"{path}: links files by addresses and beside it; hand in the files themselves")
    return found
