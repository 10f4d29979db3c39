"""Checks: declarations and rules into Great Expectations suites that run inside DuckDB, quarantine, verdicts."""
