"""Surveys of pilots: exports of LimeSurvey (CSV), each with a codebook that maps questions to measures.

A folder holds ``<name>.csv`` with ``<name>.codebook.yaml`` beside it, for as many surveys as there are. pandas
turns an export from one row a response to one row an answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from sources import NothingThereError, PullRequest, Reading, SourceError
from sources.loading import arrow_schema
from sources.naming import Item
from sources.pulling import bring, origin_or_inbox
from sources.surveys.codebook import SUFFIX, Codebook, read_codebook
from sources.surveys.erasing import without_people
from sources.surveys.export import ID, LINE, SUBMITTED, read_export
from warehouse.archive import Snapshot
from warehouse.declarations import Severity, SourceDeclaration
from warehouse.findings import WITHHELD, Finding, QuarantinedRow
from warehouse.messages import message

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["pull", "read", "without_people"]

_MOMENT = r"(?:[0-9]{4}-[01][0-9]-[0-3][0-9](?:[ T][0-9:.]+(?:Z|[+-][0-9:]+)?)?)?"
_ANONYMOUS = "1980-01-01"  # what LimeSurvey writes as the date of a response that is to have none


def pull(request: PullRequest) -> Snapshot:
    """Bring all exports and codebooks of a folder, or of the inbox, into the archive as one snapshot.

    Raises:
        SourceError: there are none, or the origin is no folder.
    """
    folder = Path(origin_or_inbox(request)).expanduser()
    if not folder.is_dir():
        raise SourceError(f"{folder} is no folder. Name the one that holds the exports with their codebooks.")
    items = [
        Item(str(path), path.name)
        for path in sorted(folder.iterdir())
        if path.is_file() and path.name.endswith((".csv", SUFFIX)) and not path.name.startswith((".", "~"))
    ]
    if not any(item.name.endswith(".csv") for item in items):
        raise NothingThereError(
            f"{request.declaration.title}: there is no export in {folder}."
            f" Put <name>.csv and <name>{SUFFIX} there."
        )
    return bring(request, items)


def read(snapshot: Snapshot, declaration: SourceDeclaration, workspace: Path) -> Reading:
    """The snapshot's exports as the tables ``surveys`` and ``responses``.

    A response that was submitted longer ago than the source keeps answers is left out. An export that cannot be
    read costs itself, not the others: then nobody knows which responses are gone.
    """
    import pandas as pd
    import pyarrow as pa

    surveys, answers = declaration.table("surveys"), declaration.table("responses")
    codebooks = {path.name.removesuffix(SUFFIX): path for path in snapshot.paths() if path.name.endswith(SUFFIX)}
    exports = [path for path in snapshot.paths() if path.name.endswith(".csv")]
    rows: list[dict[str, object]] = []
    frames: list[pd.DataFrame] = []
    told = _Told(answers.name)
    oldest = snapshot.date - timedelta(days=declaration.retention_days or 36500)
    for path in exports:
        told.file = path.name
        try:
            if path.stem not in codebooks:
                raise SourceError(
                    message(
                        "{file} has no codebook. Put {codebook} beside it, which says what its questions measure.",
                        file=path.name,
                        codebook=f"{path.stem}{SUFFIX}",
                    )
                )
            book = read_codebook(codebooks[path.stem])
            if any(row["survey_id"] == book.survey_id for row in rows):
                raise SourceError(
                    message(
                        "{file}: its codebook has the survey_id {id} of another one.",
                        file=path.name,
                        id=book.survey_id,
                    )
                )
            frames.append(_long(_kept(path, oldest, told), book, told))
        except SourceError as error:
            told.unreadable(error.what)
            continue
        rows.append(
            {
                "survey_id": book.survey_id,
                "survey_title": book.title,
                "pilot_id": book.pilot_id,
                "_file": codebooks[path.stem].name,
                "_row": 1,
            }
        )
    schema = arrow_schema(answers)
    frame = pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=schema.names)
    tables = {
        surveys.name: pa.Table.from_pylist(rows, schema=arrow_schema(surveys)),
        answers.name: pa.Table.from_pandas(
            frame.reindex(columns=schema.names), schema=schema, preserve_index=False
        ),
    }
    incomplete = dict.fromkeys(tables, told.failed) if told.failed else {}
    return Reading(tables, told.findings, told.quarantined, incomplete=incomplete)


class _Told:
    """What is found on the way, by file. No answer is ever repeated."""

    def __init__(self, table: str) -> None:
        self.table, self.file, self.failed = table, "", ""
        self.findings: list[Finding] = []
        self.quarantined: list[QuarantinedRow] = []

    def unreadable(self, what: str) -> None:
        self.failed = message("{file} cannot be used.", file=self.file)
        self.tell("unreadable-export", Severity.ERROR, what, message("Correct it and hand both files in again."))

    def tell(self, rule: str, severity: Severity, what: str, advice: str, **place: object) -> None:
        self.findings.append(Finding(rule, severity, what, advice, self.table, self.file, **place))  # type: ignore[arg-type]


def _kept(path: Path, oldest: date, told: _Told) -> pd.DataFrame:
    """An export's responses without those that are too old to be kept."""
    export = read_export(path)
    for number in export.misfits:
        told.tell(
            "row-length",
            Severity.ERROR,
            message("The row has more or fewer cells than the header."),
            message("Export the responses again; a quotation mark may be missing."),
            row_number=number,
        )
        told.quarantined.append(QuarantinedRow(told.table, path.name, None, number, f'"{WITHHELD}"'))
    responses = export.responses
    # By any other form of a date nobody could see which responses are too old.
    if not responses[SUBMITTED].str.fullmatch(_MOMENT).all():
        raise SourceError(
            message(
                "{file}: in the column {column} stands what is no date such as 2026-03-31 12:00:00. Export the"
                " responses again, and do not save the file in a spreadsheet program, which rewrites dates.",
                file=path.name,
                column=SUBMITTED,
            )
        )
    is_old = (responses[SUBMITTED] > _ANONYMOUS + "~") & (responses[SUBMITTED] < oldest.isoformat())
    if is_old.any():
        told.tell(
            "past-retention",
            Severity.INFO,
            message(
                "{count} responses are older than answers are kept, and are left out.", count=int(is_old.sum())
            ),
            message("Delete them from the survey tool too."),
        )
    return responses[~is_old]


def _long(responses: pd.DataFrame, book: Codebook, told: _Told) -> pd.DataFrame:
    """From one row a response to one row a response and measure."""
    import pandas as pd

    lacking = [code for code in book.questions if code not in responses.columns]
    if lacking:
        raise SourceError(
            message(
                "{file}: the codebook names the questions {questions}, and the export has no such column.",
                file=told.file,
                questions=", ".join(lacking),
            )
        )
    wide = pd.DataFrame(
        {
            "survey_id": book.survey_id,
            "response_id": responses[ID],
            "age_group_code": _groups(responses, book, told),
            "is_complete": responses[SUBMITTED] != "",
            "submitted_date": pd.to_datetime(
                responses[SUBMITTED].where(~responses[SUBMITTED].str.startswith(_ANONYMOUS)).str[:10],
                format="%Y-%m-%d",
                errors="coerce",
            ).dt.date,
            "_file": told.file,
            "_row": responses[LINE].astype("int64"),
        }
    )
    for measure, question in book.measures.items():
        texts = responses[question.question]
        # of objects: a column without any answer would be one of floats, and its gaps no gaps to Arrow
        numbers = [question.number_of(text) if text else None for text in texts]
        wide[measure] = pd.Series(numbers, index=wide.index, dtype=object)
        _tell_unread(texts, wide[measure], question.question, told)
    kept = [column for column in wide.columns if column not in book.measures]
    return wide.melt(id_vars=kept, value_vars=list(book.measures), var_name="measure_code", value_name="value")


def _groups(responses: pd.DataFrame, book: Codebook, told: _Told) -> Sequence[str | None] | pd.Series:
    if book.age_group is None:
        return [None] * len(responses)
    code_of = {text: code for code, texts in book.age_group.groups.items() for text in texts}
    found = responses[book.age_group.question].map(code_of)
    _tell_unread(responses[book.age_group.question], found, book.age_group.question, told)
    return found.where(found.notna(), None)


def _tell_unread(texts: pd.Series, read: pd.Series, question: str, told: _Told) -> None:
    """One finding a question: the codebook has no meaning for some of its answers, which are left empty."""
    unread = (texts != "") & read.isna()
    if unread.any():
        told.tell(
            "answer-without-meaning",
            Severity.WARNING,
            message(
                "{count} answers to {question} have no meaning in the codebook: they count as not given.",
                count=int(unread.sum()),
                question=question,
            ),
            message("Add the answers' codes and texts to the codebook, in all languages of the survey."),
            column_name=question,
        )
