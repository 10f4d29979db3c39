"""What runs and when: the night, the backfill, settings and the command line. Prefect lives here only."""
