"""What a workbook or a CSV may hold: whatever was handed in, memory and time are bounded."""

MEGABYTE = 1 << 20
MAX_ROW = 1_048_576  # Excel's own limits
MAX_COLUMN = 16_384
MAX_CELLS = 3_000_000  # with a value, in one workbook
MAX_CELL_CHARACTERS = 32_767  # Excel's own limit of one cell
MAX_CHARACTERS = 200_000_000  # of all its values
MAX_MERGED_ROWS = 10_000_000  # that merged ranges cover, one by one
MAX_PARTS = 5_000
MAX_SHEET_BYTES = 1024 * MEGABYTE  # unpacked: every row formatted to the bottom makes some 400 MB
MAX_PART_BYTES = 100 * MEGABYTE  # of any other part: these are read into memory
MAX_TREE_BYTES = 24 * MEGABYTE  # of the parts that are read as a tree: styles and the like
MAX_TOTAL_BYTES = 2048 * MEGABYTE
MAX_TAG_BYTES = 4 * MEGABYTE  # the parser holds a whole tag in memory
MAX_MERGE_LOOKS = 20_000_000
CHUNK = 256 << 10  # of a part that is read bit by bit
HEADER_ROWS = 30  # a header lower than this is not looked for
MAX_CSV_BYTES = 64 << 20
MAX_CSV_CELL = 1 << 20
