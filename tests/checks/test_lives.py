"""The life of findings: what a coordinator is told over the weeks agrees with what was planted."""

import random
from collections import Counter
from datetime import timedelta

import pytest

from checks.accepted import AcceptedException
from checks.amendments import Amendments
from tests.checks.hand_ins import FIRST, LAX, STRICT, Accepted, Coordinator, Desk, Model
from warehouse.ledger import findings
from warehouse.lives import fixed, lives, tally


def tokens_by_id(desk, one, version):
    """By finding_id, what was planted there: found by its place alone."""
    places = Counter()
    told = {}
    planted = one.planted(version)
    by_place = {}
    for token, (number, _) in planted.items():
        by_place.setdefault((token[0], token[1] if len(token) > 1 else None, number), []).append(token)
    for found in findings(desk.connection, "offers", one.id):
        if found.rule == "acceptance-ran-out":
            told[found.finding_id] = ("acceptance-ran-out",)
            continue
        place = (found.rule, found.column_name, found.row_number)
        told[found.finding_id] = by_place[place][places[place]]
        places[place] += 1
    assert sorted(map(repr, told.values())) == sorted(
        map(repr, [*planted, *([("acceptance-ran-out",)] if ("acceptance-ran-out",) in told.values() else [])])
    )
    return told


class HalfYear:
    """The weeks, with the house and the model side by side."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.coordinator = Coordinator(self.random)
        self.coordinator.add(24)
        self.desk, self.model = Desk(), Model()
        self.token_of, self.id_of = {}, {}
        self.exception = None

    def judge(self, one, version, day=None):
        self.desk.judge(one, version, self.amendments().on(day or one.day, one.day))
        self.model.judge(one, version, self.exception, day or one.day)
        self.agree(one, version)

    def amendments(self):
        if self.exception is None:
            return Amendments()
        one = AcceptedException(
            table="offers", rule=self.exception.rule, column=self.exception.column,
            key={"offer_id": self.exception.key}, reason="The programme says so.",
            accepted_by="programme office", until=self.exception.until,
        ).at("line 1")  # fmt: skip
        return Amendments((one,))

    def agree(self, one, version):
        for finding_id, token in tokens_by_id(self.desk, one, version).items():
            assert self.token_of.setdefault(finding_id, token) == token, "one id for two things"
            assert self.id_of.setdefault(token, finding_id) == finding_id, "two ids for one thing"
        told = lives(self.desk.connection, "offers", one.id)
        ours = {self.token_of[i]: (life.stage.value, life.since, life.times_back) for i, life in told.items()}
        assert ours == self.model.lives()
        mended = {self.token_of[found.finding_id] for found in fixed(self.desk.connection, "offers", one.id)}
        assert mended == {token for token, life in ours.items() if life[0] == "fixed"}
        for weeks in (0, 1, 3, 9):
            since = one.day - timedelta(weeks=weeks, days=self.random.randint(0, 6))
            counted = tally(self.desk.connection, "offers", since)
            assert tuple(vars(counted).values()) == self.model.tally(since)

    def accept_something(self, week):
        """Accept a fault that is there now, for three weeks."""
        for row in self.coordinator.rows:
            if row.key and "grant" in row.faults and sum(r.key == row.key for r in self.coordinator.rows) == 1:
                self.exception = Accepted("range", "grant", row.key, FIRST + timedelta(weeks=week + 2, days=3))
                return

    def settle_exception(self):
        """The line is deleted once it has run out or matches nothing: it is loud until then (told elsewhere)."""
        if self.exception is None:
            return
        rows = [row for row in self.coordinator.rows if row.key == self.exception.key]
        if len(rows) != 1 or "grant" not in rows[0].faults:
            self.exception = None


def run(seed, weeks):
    half_year, version, kept = HalfYear(seed), LAX, []
    for week in range(weeks):
        half_year.coordinator.work()
        half_year.settle_exception()
        if week % 5 == 1 and half_year.exception is None:
            half_year.accept_something(week)
        if week % 7 == 5:
            version = STRICT if version == LAX else LAX
        one = half_year.coordinator.hand_in(week, lost=week % 6 == 3, unreadable=week % 6 == 2)
        half_year.judge(one, version)
        kept.append(one)
        if week % 4 == 0 and week:  # an older one once more: nothing moves
            half_year.desk.judge(kept[0], version, Amendments())
            half_year.agree(one, version)
        if week % 3 == 1:  # the same once more: it says what it said
            half_year.desk.judge(one, version, half_year.amendments().on(one.day, one.day))
            half_year.agree(one, version)
    return half_year


def test_the_lives_of_six_weeks_are_what_was_planted():
    half_year = run(seed=4, weeks=6)
    stages = Counter(spell.closed is not None for spells in half_year.model.spells.values() for spell in spells)
    assert min(stages.values()) > 5


@pytest.mark.prove
@pytest.mark.parametrize("seed", range(20))
def test_the_lives_of_half_a_year_are_what_was_planted(seed):
    run(seed, weeks=26)
