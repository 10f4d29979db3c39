"""The twelve questions: every query answers on the published files alone, and as plain Python does."""

from __future__ import annotations

import csv
import re
from calendar import monthrange
from collections import defaultdict
from datetime import date

import pytest
import sqlglot

from dev.questions import PAGE, answer, opened, page
from publish.questions import load_questions
from sources import declarations
from warehouse import reference

QUESTIONS = {one.number: one for one in load_questions()}


@pytest.fixture(scope="module")
def published(samples_home):
    """The rows of a dataset's published CSV file, texts as they stand there."""

    def rows(stem):
        name = stem.replace("_", "-")
        with (samples_home.portal / "datasets" / name / f"{name}.csv").open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))

    return rows


def number(text):
    return float(text) if text else None


def day(text):
    return date.fromisoformat(text) if text else None


def months_later(start, months):
    year, month = divmod(start.year * 12 + start.month - 1 + months, 12)
    return date(year, month + 1, min(start.day, monthrange(year, month + 1)[1]))


def rounds_by_programme(published):
    rounds = {
        (row["programme"], row["round_id"]): (number(row["offers_count"]), number(row["selected_count"]))
        for row in published("agile_pilots")
        if row["round_id"]
    }
    for programme in sorted({programme for programme, _ in rounds}):
        own = [counts for (its, _), counts in rounds.items() if its == programme]
        both = [(offers, selected) for offers, selected in own if None not in (offers, selected)]
        offers, selected = sum(one for one, _ in both), sum(one for _, one in both)
        known = [one for _, one in own if one is not None]
        yield {
            "programme": programme,
            "rounds": len(own),
            "offers": offers if both else None,
            "selected_of_them": selected if both else None,
            "selected_pct": round(100 * selected / offers, 1) if both else None,
            "selected_a_round": round(sum(known) / len(known), 1) if known else None,
        }


def over_six_months(published):
    dated = [
        row for row in published("agile_pilots") if row["start_date"] and row["date_precision_code"] != "year"
    ]
    over = {
        end: [
            (r["pilot_id"], r["pilot_name"])
            for r in dated
            if r[end] and day(r[end]) > months_later(day(r["start_date"]), 6)
        ]
        for end in ("end_date", "actual_end_date")
    }
    yield {
        "with_agreed_end": sum(bool(row["end_date"]) for row in dated),
        "agreed_over_six_months": len(over["end_date"]),
        "with_real_end": sum(bool(row["actual_end_date"]) for row in dated),
        "really_over_six_months": len(over["actual_end_date"]),
        "which": [name for _, name in sorted(over["actual_end_date"])] or None,
    }


def what_residents_said(published):
    titles = {row["pilot_id"]: row["theme_title"] for row in published("agile_pilots")}
    themes = defaultdict(list)
    for row in published("pilot_evaluations"):
        is_asked = row["measure_code"] in ("satisfaction", "minutes_saved_a_day")
        if is_asked and (row["age_group_code"], row["answer_code"]) == ("total", "total"):
            themes[titles.get(row["pilot_id"])].append(row)
    told = []
    for theme, rows in themes.items():
        pilots = {
            status: len({row["pilot_id"] for row in rows if row["status_code"] == status})
            for status in ("published", "suppressed")
        }
        one = {"theme_title": theme, "pilots": pilots["published"], "pilots_suppressed": pilots["suppressed"]}
        for name, column in (("satisfaction", "mean_satisfaction"), ("minutes", "mean_saved_minutes")):
            pairs = [(number(row["answers_count"]), number(row[column])) for row in rows if row[column]]
            n = sum(count for count, _ in pairs)
            one[f"{name}_n"] = n or None
            mean = round(sum(count * value for count, value in pairs) / n, 1) if n else None
            one["satisfaction" if name == "satisfaction" else "minutes_saved_a_day"] = mean
        told.append(one)
    yield from sorted(told, key=lambda r: (-(r["satisfaction"] or 0), r["theme_title"] or ""))


def turns(published):
    subjects = defaultdict(list)
    for row in published("data_quality"):
        if row["is_newest"] == "true" and row["next_step"]:
            subjects[row["kind_code"], row["subject_name"]].append(row)
    told = [
        {
            "subject_title": rows[0]["subject_title"],
            "data_date": day(rows[0]["data_date"]),
            "state_code": rows[0]["state_code"],
            "errors": sum(number(r["error_count"]) + number(r["critical_count"]) for r in rows),
            "warnings": sum(number(r["warning_count"]) for r in rows),
            "turn_code": rows[0]["turn_code"],
            "next_step": rows[0]["next_step"],
        }
        for rows in subjects.values()
    ]
    order = {"held": 0}
    yield from sorted(
        told,
        key=lambda r: (order.get(r["state_code"], 1), -r["errors"], -r["warnings"], r["subject_title"]),
    )


def what_became_of_pilots(published):
    last = {}
    for row in sorted(published("pilot_followups"), key=lambda row: (row["followup_date"], row["followup_id"])):
        last[row["pilot_id"]] = row
    for row in sorted(last.values(), key=lambda row: (row["outcome_title"], row["pilot_name"])):
        yield {
            "pilot_name": row["pilot_name"],
            "programme": row["programme"],
            "outcome_title": row["outcome_title"],
            "followup_date": day(row["followup_date"]),
            "months_since_end": number(row["months_since_end_count"]),
            "reason_code": row["reason_code"] or None,
        }


def companies_alive(published):
    ends = {row["pilot_id"]: day(row["end_date"]) for row in published("agile_pilots")}
    last, ended, known_until = {}, {}, {}
    checked = {
        row["subject_name"]: day(row["data_date"])
        for row in published("data_quality")
        if row["is_newest"] == "true"
    }
    for row in published("organisations"):
        if row["state_code"] == "register":
            known_until[row["org_id"]] = checked[row["source_code"]]
        if row["source_code"] == "agile_pilots" and row["register_name"] and ends[row["record_key"]]:
            last[row["org_id"]] = max(ends[row["record_key"]], last.get(row["org_id"], date.min))
            ended[row["org_id"]] = day(row["ended_date"])
    for years in (1, 3, 5):
        then = {company: months_later(end, 12 * years) for company, end in last.items()}
        over = [company for company, end in then.items() if end <= known_until[company]]
        yield {
            "years": years,
            "companies": len(over),
            "alive": sum(ended[one] is None or ended[one] > then[one] for one in over),
        }


def tech_companies(published):
    rows = published("tech_city_growth")
    newest = max(int(row["year"]) for row in rows)
    chosen = [row for row in rows if row["is_tech"] == "true" and int(row["year"]) >= newest - 1]
    for row in sorted(chosen, key=lambda r: (-int(r["year"]), -int(r["active_count"]), r["sector_title"])):
        yield {
            "year": int(row["year"]),
            "sector_title": row["sector_title"],
            **{name: int(row[name]) for name in ("founded_count", "active_count", "ai_active_count")},
            "ai_share_pct": number(row["ai_share_pct"]),
            "basis_code": row["basis_code"],
        }


def public_euros(published):
    themes = defaultdict(list)
    for row in published("pilot_grants"):
        is_own = row["is_counted"] == "true" or row["not_counted_reason_code"] == "in_other_grant"
        if is_own and row["is_public_money"] == "true" and row["pilot_id"]:
            themes[row["theme_title"]].append((row["pilot_id"], number(row["grant_eur"])))
    sums = {theme: (len({p for p, _ in grants}), sum(g for _, g in grants)) for theme, grants in themes.items()}
    for theme, (pilots, euros) in sorted(sums.items(), key=lambda item: (-item[1][1], item[0])):
        yield {"theme_title": theme, "pilots": pilots, "public_eur": euros, "eur_a_pilot": round(euros / pilots)}


def promises(published):
    chosen = [row for row in published("kalasatama_indicators") if row["metric_code"] == "residents"]
    chosen.sort(key=lambda r: (r["kind_code"], r["statement_year"] or "9999", number(r["value"]), r["source_url"]))
    for row in chosen:
        yield {
            "metric_title": row["metric_title"],
            "kind_code": row["kind_code"],
            "statement_year": number(row["statement_year"]),
            "target": row["target_year"] or row["target_text"] or None,
            "qualifier_code": row["qualifier_code"] or None,
            "value": number(row["value"]),
            "unit_code": row["unit_code"],
            "source_url": row["source_url"] or None,
        }


def known_in_2015(published):
    said = defaultdict(lambda: defaultdict(list))
    for row in published("kalasatama_indicators"):
        if row["statement_year"] and int(row["statement_year"]) <= 2015:
            said[row["metric_title"], row["kind_code"]][int(row["statement_year"])].append(row)
    for (metric, kind), years in sorted(said.items()):
        newest = max(years)
        for unit in sorted({row["unit_code"] for row in years[newest]}):
            values = sorted(number(row["value"]) for row in years[newest] if row["unit_code"] == unit)
            told = {"metric_title": metric, "kind_code": kind, "said_in": newest, "said": values}
            yield {**told, "unit_code": unit}


def future_fifty(published):
    cohorts = defaultdict(list)
    for row in published("future_fifty_cohorts"):
        cohorts[row["cohort_label"]].append(row)
    told = []
    for label, rows in cohorts.items():
        found = [row for row in rows if row["register_name"]]
        alike = [row for row in rows if row["lookalikes_count"]]
        told.append(
            {
                "cohort_label": label,
                "listed": len(rows),
                "in_register": len(found),
                "still_there": sum(not row["register_left_date"] for row in found),
                "renamed": sum("former_name" in row["evidence_codes"] for row in rows),
                "moved": sum(row["has_moved"] == "true" for row in rows),
                "lookalikes": sum(int(row["lookalikes_count"]) for row in alike) if alike else None,
                "lookalikes_still_there": sum(
                    int(row["lookalikes_count"]) - int(row["lookalikes_left_count"]) for row in alike
                )
                if alike
                else None,
            }
        )
    yield from sorted(told, key=lambda row: (-row["in_register"], row["cohort_label"]))


def everywhere(published):
    lists, names = defaultdict(set), {}
    for row in published("organisations"):
        if not row["org_id"]:
            continue
        if row["state_code"] == "register":
            names[row["org_id"]] = row["mentioned_name"]
        else:
            lists[row["org_id"]].add(row["source_code"])
    for org_id, listed in sorted(lists.items()):
        is_member, is_grantee = (
            listed & {"future_fifty", "plexal"},
            listed & {"threesixty_giving", "structural_funds"},
        )
        if "here_east" in listed and is_member and is_grantee:
            yield {"org_id": org_id, "name": names[org_id], "listed_by": sorted(listed)}


IN_PLAIN_PYTHON = {
    1: rounds_by_programme,
    2: over_six_months,
    3: what_residents_said,
    4: turns,
    5: what_became_of_pilots,
    6: companies_alive,
    7: tech_companies,
    8: public_euros,
    9: promises,
    10: known_in_2015,
    11: future_fifty,
    12: everywhere,
}


def plain(rows):
    """Values as Python compares them: DuckDB's sums are Decimal or huge integers."""
    return [
        {name: float(v) if isinstance(v, int) and not isinstance(v, bool) else v for name, v in row.items()}
        for row in ({k: getattr(v, "__float__", lambda v=v: v)() for k, v in row.items()} for row in rows)
    ]


@pytest.mark.parametrize("number_", IN_PLAIN_PYTHON)
def test_a_query_answers_as_plain_python_does(samples_home, published, number_):
    sql = QUESTIONS[number_].sql
    assert len(sql.splitlines()) <= 20
    rows = answer(opened(samples_home.portal), sql)
    expected = list(IN_PLAIN_PYTHON[number_](published))
    assert expected
    assert plain(rows) == plain(expected)


def test_the_page_is_what_is_declared_and_answered(samples_home):
    assert PAGE.read_text(encoding="utf-8") == page(opened(samples_home.portal)), "run: python -m dev.questions"


def test_the_twelve_questions_are_there_with_what_they_cannot_say():
    assert list(QUESTIONS) == list(range(1, 13)) == list(IN_PLAIN_PYTHON)
    for question in QUESTIONS.values():
        assert question.cannot_say.en
        assert question.cannot_say.fi


@pytest.mark.parametrize("number_", IN_PLAIN_PYTHON)
def test_a_question_names_the_datasets_it_reads_and_the_columns_it_gives(samples_home, number_):
    question = QUESTIONS[number_]
    parsed = sqlglot.parse_one(question.sql, dialect="duckdb")
    own = {one.alias for one in parsed.find_all(sqlglot.exp.CTE, sqlglot.exp.Subquery, sqlglot.exp.Values)}
    read = {one.name for one in parsed.find_all(sqlglot.exp.Table)} - own
    assert {name.replace("-", "_") for name in question.reads} == read
    (first, *_) = answer(opened(samples_home.portal), question.sql)
    assert list(question.headings) == list(first)


@pytest.mark.parametrize("place", ["questions", "fi/questions"])
def test_no_page_of_a_question_shows_a_code(samples_home, place):
    """A reader finds the words of the code lists: no label and no cell is a code that differs from its words."""
    codes = {
        code
        for listed in reference.code_lists().values()
        for code, meaning in listed.codes.items()
        if code not in (meaning.title.lower(), meaning.title_fi.lower())
        and not code.isupper()
        and not code.isdigit()
    }
    codes |= set(declarations())
    for path in sorted((samples_home.portal / place).glob("*/index.html")):
        page = path.read_text(encoding="utf-8")
        shown = re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", page, re.DOTALL)
        texts = {part.strip() for cell in shown for part in re.sub(r"<[^>]*>", ",", cell).split(",")}
        assert not texts & codes, path
