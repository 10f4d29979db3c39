"""Values out of an .xlsx file, in one pass and bounded memory, whatever was handed in.

openpyxl shows either the formula or its stored value, in its streaming mode no merged cells, and in its full
mode it builds an object for every cell that was ever formatted. A workbook that a person keeps needs all of
it: the stored value *and* that there was a formula, merged cells, and a million rows that are formatted but
empty. So the sheets are read here, straight from their XML.
"""

from warehouse.sheets.xlsx.package import Package, check_encoding, local_name, part_key
from warehouse.sheets.xlsx.properties import custom_properties
from warehouse.sheets.xlsx.reading import read_xlsx
from warehouse.sheets.xlsx.values import position, serial_date

__all__ = [
    "Package",
    "check_encoding",
    "custom_properties",
    "local_name",
    "part_key",
    "position",
    "read_xlsx",
    "serial_date",
]
