"""A release's files of rows: CSV and Parquet (``render``), the workbook."""
