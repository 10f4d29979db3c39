"""Prefect around the plain functions: it orders, retries, times and shows. The one place that imports it.

Not called ``prefect``: Prefect puts the folder of a deployed script on the module path, where a folder of its own
name would hide it.
"""
