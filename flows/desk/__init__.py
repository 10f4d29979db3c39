"""A page for coordinators: check a workbook, get the marked copy, hand it in for tonight.

It is a door to ``flows.checking.check_file`` and to the inbox, and decides nothing itself. Who has a source's
token (``tokens``) has a session (``sessions``); what she brings (``uploads``) is checked by processes with limits
(``workers``), is seen by her session alone, and is deleted within the hour. ``application`` has the addresses,
``pages`` the words, ``guarding`` what stands before them all, ``serving`` starts it.
"""
