"""Disclosure control: what is published of people is proved not to tell of any one of them.

``tables`` is what the two sides share: all tables of one population and period as one linear system. One side,
``suppression``, chooses the cells that are not published; the other, ``audit``, does not know how they were chosen
and looks for what could be learned all the same. ``deciding`` lets nothing leave that the audit has no proof for.
``refusal`` holds back what declares no such control.
"""
