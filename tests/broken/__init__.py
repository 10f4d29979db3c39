"""A library of broken workbooks, made by a generator, and a mender that knows nothing but what we say of them.

``values`` makes good rows of any workbook source from its declaration, ``drafts`` lays them out as people do, and
``faults`` break them, each in one way that is declared beside what must be found and where. ``library`` draws the
cases, ``checking`` takes a file the whole way to its findings, and ``mender`` does what our comments advise.
"""
