"""A workbook with all that a program which reads and writes workbooks tends to lose."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path

import xlsxwriter

from tests.workbook_factory import ROUND, pilot, table

TITLE = "Grants by pilot"


def png() -> io.BytesIO:
    """A red picture of 60 by 30 pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = b"".join(b"\0" + bytes([200, 30, 30]) * 60 for _ in range(30))
    header = struct.pack(">IIBBBBB", 60, 30, 8, 2, 0, 0, 0)
    data = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return io.BytesIO(b"\x89PNG\r\n\x1a\n" + data)


def rich_workbook(target: Path, pilots: int = 12) -> Path:
    """Pilots and rounds without a fault, with pictures, charts, a chart sheet, a button, notes, drop-downs, data
    bars, icons, fills, a table, names of a sheet's own and a formula with its result.

    M3 and B5 have a comment. The second sheet is the one that is open; with the chart sheet it is selected.
    """
    book = xlsxwriter.Workbook(str(target))
    sheet = book.add_worksheet("Pilots")
    green = book.add_format({"bg_color": "#00AA00", "font_color": "#FFFFFF", "bold": True, "border": 2})
    for row, values in enumerate(table(pilot(number) for number in range(1, pilots + 1))):
        for column, value in enumerate(values):
            sheet.write(row, column, value, green if row in (0, 3) else None)
    sheet.conditional_format("M2:M13", {"type": "data_bar", "bar_color": "#0000FF", "bar_solid": True})
    sheet.conditional_format("N2:N13", {"type": "icon_set", "icon_style": "3_traffic_lights"})
    cyan = book.add_format({"bg_color": "#00FFFF"})
    sheet.conditional_format("G2:G13", {"type": "text", "criteria": "containing", "value": "mob", "format": cyan})
    sheet.data_validation("G2:G99", {"validate": "list", "source": ["mobility", "energy"]})
    sheet.write_comment("M3", "Ask Maija", {"author": "Desk"})
    sheet.write_comment("B5", "Another", {"author": "Desk"})
    sheet.insert_image("P2", "logo.png", {"image_data": png()})
    chart = book.add_chart({"type": "column"})
    chart.add_series({"values": "=Pilots!$M$2:$M$13"})
    chart.set_title({"name": TITLE})
    sheet.insert_chart("P6", chart)
    sheet.insert_textbox("P25", "A note")
    sheet.insert_button("P30", {"caption": "Press"})
    sheet.set_column("B:B", 44)
    sheet.freeze_panes(1, 1)
    sheet.autofilter(0, 0, pilots, 13)
    rounds = book.add_worksheet("Rounds")
    for row, values in enumerate(table([ROUND])):
        rounds.write_row(row, 0, values)
    rounds.add_table("J1:K3", {"columns": [{"header": "a"}, {"header": "b"}]})
    rounds.write_formula("H5", "=SUM(E2:E2)", None, 37)
    rounds.repeat_rows(0)
    book.define_name("Rounds!local", "=Rounds!$A$1")
    alone = book.add_chartsheet("Chart")
    line = book.add_chart({"type": "line"})
    line.add_series({"values": "=Pilots!$M$2:$M$13"})
    alone.set_chart(line)
    rounds.activate()
    alone.select()
    book.close()
    return target
