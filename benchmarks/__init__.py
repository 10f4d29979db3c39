"""Measurements: seconds, processor seconds and memory, each in a process of its own."""
