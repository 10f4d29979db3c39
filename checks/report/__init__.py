"""The coordinator's report: one page a run that says what was published, what was held, and what to do about it.

The page is written for somebody who keeps a workbook, not for somebody who runs programs: the verdict comes
first, errors stand apart from suggestions, and checks that found nothing are listed too, so that "no finding"
is something one can see. It is one file without scripts or anything to fetch, and opens from a disk.

Whatever came from outside (values, file names, messages, even titles) is hostile here: characters that cannot
be seen are made visible, long texts are cut, everything is escaped where it is written, and an address becomes
a link only if it is http(s) or relative. Nothing depends on the clock, so the same content gives the same page.
"""

from checks.report.content import DatasetSection, ReportContent, SourceSection
from checks.report.rendering import render_report, write_report
from checks.report.summary import findings_table, summary_markdown

__all__ = [
    "DatasetSection",
    "ReportContent",
    "SourceSection",
    "findings_table",
    "render_report",
    "summary_markdown",
    "write_report",
]
