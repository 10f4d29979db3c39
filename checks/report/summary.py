"""The report in short, for where a page does not fit: a few lines of Markdown, and a table of findings."""

from __future__ import annotations

from pathlib import Path

from checks.report.content import ReportContent, Section
from checks.report.overview import overview_of
from checks.report.places import page_name
from checks.report.sanitising import clean, safe_finding, safe_markdown, safe_text, safe_value
from checks.report.wording import title_of
from warehouse.findings import Finding
from warehouse.messages import Language


def summary_markdown(content: ReportContent, folder: Path | None = None) -> str:
    """The verdict in a few lines of Markdown. Nothing from outside can be markup in it, nor a link.

    ``folder`` is where the report's pages lie: they are linked to, each in the language of its source.
    """
    page = overview_of(content)
    lines = [
        f"## {page.verdict.mark} {safe_markdown(page.verdict.headline)}",
        "",
        f"{safe_markdown(page.occasion)}",
        "",
    ]
    lines += [f"- {fact.mark} {safe_markdown(fact.text)}" for fact in page.verdict.facts]
    if page.halted:
        lines += ["", "### Held, and why", ""]
        lines += [
            f"- **{safe_markdown(h.title)}**: {safe_markdown(' '.join([h.outcome, h.why]).strip())}"
            for h in page.halted
        ]
    if page.turns:
        lines += ["", "### Whose turn it is", ""]
        lines += [
            f"- **{safe_markdown(turn.who)}**: {safe_markdown('; '.join(task.text for task in turn.tasks))}"
            for turn in page.turns
        ]
    for title, told in (
        ("Held on the portal", page.portal_holds),
        ("Changed by hand on the portal", page.portal_edits),
    ):
        if told:
            lines += ["", f"### {title}", "", *(f"- {safe_markdown(line)}" for line in told)]
    if page.published:
        lines += ["", "### Published", ""]
        for dataset in page.published:
            title = safe_markdown(dataset.title)
            link = f"[{title}](<{dataset.url}>)" if dataset.url else title
            lines.append(f"- {link}: {safe_markdown(dataset.outcome)}")
    if folder is not None:
        lines += ["", "### The report", "", *_pages(content, folder)]
    return "\n".join(lines) + "\n"


def _pages(content: ReportContent, folder: Path) -> list[str]:
    """Links to the pages that are there."""
    pages = [("Overview", page_name(None, Language.ENGLISH))]
    pages += [
        (title_of(source), page_name(source.declaration, source.declaration.language))
        for source in content.sources
    ]
    return [
        f"- [{safe_markdown(title)}](<{(folder / name).absolute().as_uri()}>)"
        for title, name in pages
        if (folder / name).exists()
    ]


def findings_table(content: ReportContent, limit: int = 100) -> list[dict[str, str]]:
    """Findings as rows of plain text, worst first: for a table that escapes its cells itself."""
    rows = [
        (finding.severity.rank, section, finding) for section in content.sections for finding in section.findings
    ]
    rows.sort(key=lambda row: row[0])  # stable: within a severity the order given stays
    return [_table_row(section, finding) for _, section, finding in rows[:limit]]


def _table_row(section: Section, raw: Finding) -> dict[str, str]:
    finding, field = safe_finding(raw, section.tables)
    return {
        "source": clean(section.declaration.name),
        "table": clean(finding.table_name or ""),
        "sheet": clean(finding.sheet or ""),
        "row": "" if finding.row_number is None else str(finding.row_number),
        "column": clean(field.title if field else finding.column_name or ""),
        "value": "" if finding.value is None else safe_value(finding.value),
        "rule": clean(finding.rule),
        "problem": safe_text(finding.message),
        "what to do": safe_text(finding.help),
    }
