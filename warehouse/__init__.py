"""The ground floor: what a table, a snapshot, a verdict, a release and a run are, and where they are kept.

Nothing here knows of a particular register, of checks, of portals or of schedules.
"""
