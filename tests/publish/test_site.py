"""The portal's own pages: questions, search, feeds, and the folder served."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from xml.etree import ElementTree

import duckdb
import pytest
from starlette.testclient import TestClient

from flows.errors import RequestError
from flows.portal_server import application_of
from publish import questions
from publish.portals.folder import FolderPortal
from publish.portals.folder.cards import card_of
from publish.portals.folder.questions import question_view
from publish.portals.folder.rendering import in_english, in_language, relative
from publish.questions import asking
from publish.questions.declaring import load_question
from tests.publish import places
from warehouse.declarations import DeclarationError
from warehouse.home import Home
from warehouse.messages import Language
from warehouse.progress import silent

ATOM = "{http://www.w3.org/2005/Atom}"
QUESTION = """
number: {number}
title: {{en: "How many places?", fi: "Kuinka monta paikkaa?"}}
introduction: {{en: All of them., fi: Kaikki.}}
reads: [places]
sql: |
  {sql}
headings: {{theme_code: {{en: Theme, fi: Teema}}, places: {{en: Places, fi: Paikkoja}}}}
figure:
  sql: SELECT sum(places) AS n FROM answer
  value: "{{n}}"
  sentence: {{en: "There are {{n}} places.", fi: "Paikkoja on {{n}}."}}
chart:
  title: {{en: Places by theme, fi: Paikat teemoittain}}
  sql: SELECT coalesce(theme_code, 'none') AS label, places AS value FROM answer
cannot_say: {{en: "Whether `they` are *nice* <b>.", fi: Ovatko ne mukavia.}}
"""
SQL = "SELECT theme_code, count(*) AS places FROM places GROUP BY theme_code ORDER BY places DESC, theme_code"


def raise_it(dataset, error):
    raise AssertionError(f"{dataset}: {error}")


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return Home(tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="module")
def wanted(home):
    return places.wanted(home, places.release(home, places.rows(30)))


@pytest.fixture(scope="module")
def site(tmp_path_factory, wanted):
    root = tmp_path_factory.mktemp("site")
    FolderPortal(root, base_url="https://data.town.example/open").apply([wanted], silent, raise_it)
    return root


@pytest.fixture
def asked(tmp_path):
    """Questions of a folder, by the SQL of each."""

    def of(*sqls):
        folder = tmp_path / "questions"
        folder.mkdir(exist_ok=True)
        for number, sql in enumerate(sqls, 1):
            (folder / f"{number:02d}_how_many.yaml").write_text(QUESTION.format(number=number, sql=sql))
        return questions.load_questions(folder)

    return of


def shelved(wanted):
    (parquet,) = (one for one in wanted.resources if one.key == "parquet")
    return {"places": questions.Shelved("places", "2026-02-01", "2026-02-01", parquet.path, parquet.sha256)}


# --- questions ------------------------------------------------------------------------------------------


def test_a_question_is_answered_in_a_figure_bars_and_rows(asked, wanted):
    (answered,) = questions.answer_all(asked(SQL), shelved(wanted)).values()
    assert answered.state == "answered"
    assert answered.figure == {"n": 30}
    assert answered.columns == ("theme_code", "places")
    assert answered.rows == (("climate", 10), ("energy", 10), (None, 10))
    assert [(bar.label, bar.value, bar.n) for bar in answered.bars] == [
        (("climate",), 10.0, None),
        (("energy",), 10.0, None),
        (("none",), 10.0, None),
    ]
    assert questions.Answered.of_json(json.loads(json.dumps(answered.as_json()))) == answered


def test_codes_and_labels_of_an_answer_are_said_in_words_and_a_share_says_of_how_many(tmp_path, wanted):
    (tmp_path / "01_how_many.yaml").write_text(
        QUESTION.format(number=1, sql=SQL).replace(
            "SELECT coalesce(theme_code, 'none') AS label, places AS value FROM answer",
            "SELECT [theme_code, 'own'] AS label, 50 AS value, places AS n FROM answer ORDER BY label\n"
            "  unit: '%'\n  counts: {en: places, fi: paikkoja}\n  words: {own: {en: Ours, fi: Omat}}\n"
            "codes: {label: places.theme_code}",
        )
    )
    asked = questions.load_questions(tmp_path)
    answers = questions.answer_all(asked, shelved(wanted))
    card = card_of(wanted)
    for language, bars, cells in (
        (Language.ENGLISH, ("Climate, ours", "Energy, ours", "Ours"), ["Climate", "Energy", ""]),
        (Language.FINNISH, ("Ilmasto, omat", "Energia, omat", "Omat"), ["Ilmasto", "Energia", ""]),
    ):
        view = question_view(asked[0], answers[1], {"places": card}, language)
        assert tuple(bar.label for bar in view["bars"]) == bars
        assert {bar.share for bar in view["bars"]} == {50.0}  # of a hundred, not of the longest
        assert view["bars"][0].of == {"en": "places: 10", "fi": "paikkoja: 10"}[language.value]
        assert [row[0] for row in view["rows"]] == cells


def test_codes_are_of_a_dataset_that_is_read(tmp_path):
    path = tmp_path / "01_how_many.yaml"
    path.write_text(QUESTION.format(number=1, sql=SQL) + "codes: {label: elsewhere.theme_code}\n")
    with pytest.raises(DeclarationError, match="does not read elsewhere"):
        load_question(path)


def test_a_question_that_fails_or_lacks_its_data_stops_no_other(asked, wanted):
    found = questions.answer_all(asked("SELECT no_such_column FROM places", SQL), shelved(wanted))
    assert [one.state for one in found.values()] == ["failed", "answered"]
    found = questions.answer_all(asked(SQL), {})
    assert (found[1].state, found[1].missing) == ("missing", ("places",))


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM read_csv('/etc/passwd')",
        "SELECT * FROM read_text('{here}')",
        "SELECT * FROM 'https://example.org/x.parquet'",
        "COPY places TO '{here}.csv'",
        "ATTACH '{here}.duckdb'",
        "SET enable_external_access = true",
        "INSTALL httpfs",
    ],
)
def test_a_query_reads_the_published_files_and_nothing_else(wanted, sql, tmp_path):
    (tmp_path / "here").write_text("secret")
    (parquet,) = (one for one in wanted.resources if one.key == "parquet")
    with (
        asking.over({"places": parquet.path}) as connection,
        pytest.raises(duckdb.Error, match=r"(?i)permission|disabled|cannot|configuration"),
    ):
        asking.ask(connection, sql.format(here=tmp_path / "here"))


def test_a_query_that_takes_too_long_is_stopped(wanted, monkeypatch):
    monkeypatch.setattr(asking, "_MOST_SECONDS", 0.2)
    (parquet,) = (one for one in wanted.resources if one.key == "parquet")
    with asking.over({"places": parquet.path}) as connection, pytest.raises(duckdb.InterruptException):
        asking.ask(
            connection,
            "SELECT count(*) FROM range(1000000000000) a, range(1000) b WHERE a.range % 7 = b.range % 5",
        )


def test_an_answer_is_found_again_only_if_its_rows_are_others(asked, wanted, monkeypatch):
    (question,) = asked(SQL)
    first = questions.answer_all([question], shelved(wanted))
    monkeypatch.setattr(asking, "ask", None)
    assert questions.answer_all([question], shelved(wanted), lambda _: first[1]) == first
    other = {"places": dataclasses.replace(shelved(wanted)["places"], sha256="other")}
    monkeypatch.undo()
    assert questions.answer_all([question], other, lambda _: first[1])[1].made_of != first[1].made_of


def test_a_file_that_is_called_otherwise_or_lacks_a_language_is_refused(tmp_path):
    path = tmp_path / "02_how_many.yaml"
    path.write_text(QUESTION.format(number=1, sql=SQL))
    with pytest.raises(DeclarationError, match="01_<slug>"):
        load_question(path)
    path.write_text(QUESTION.format(number=2, sql=SQL).replace(", fi: Kaikki.", ""))
    with pytest.raises(DeclarationError, match=r"introduction\.fi"):
        load_question(path)


def test_pages_say_that_a_question_cannot_be_answered_here(site):
    for place, words in (
        ("questions/tech-companies/index.html", "Not to be answered here"),
        ("fi/questions/tech-companies/index.html", "ei voi vastata"),
    ):
        page = (site / place).read_text()
        assert words in page
        assert "tech-city-growth" in page
    assert json.loads((site / "questions/tech-companies/answer.json").read_text())["state"] == "missing"


# --- places, search, feeds ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("english", "finnish"),
    [
        ("index.html", "fi/index.html"),
        ("datasets/index.html", "fi/datasets/index.html"),
        ("questions/x/index.html", "fi/questions/x/index.html"),
        ("datasets/places/index.html", "datasets/places/fi/index.html"),
        ("datasets/places/versions/2026-02-01/index.html", "datasets/places/fi/versions/2026-02-01/index.html"),
        ("datasets/fi/index.html", "datasets/fi/fi/index.html"),
    ],
)
def test_a_page_has_its_twin_where_its_dataset_is(english, finnish):
    assert in_language(english, Language.FINNISH) == finnish
    assert in_english(finnish) == in_english(english) == english
    assert Path(relative(finnish, english)) == Path(relative(finnish, english + "#a").partition("#")[0])


def test_the_index_of_search_has_datasets_questions_and_columns_and_is_small(site):
    for language in ("en", "fi"):
        text = (site / f"search/index-{language}.js").read_text()
        entries = json.loads(text.removeprefix("window.opendistrictIndex=").rstrip().rstrip(";"))["entries"]
        kinds = [entry[0] for entry in entries]
        assert (kinds.count(0), kinds.count(1), kinds.count(2)) == (1, 12, 9)
        for entry in entries:
            assert (site / entry[2].partition("#")[0]).is_file()
        page = (site / in_language("search/index.html", Language(language))).read_text()
        assert "Places" in page


def test_the_index_of_all_datasets_is_small(samples_home):
    for language in ("en", "fi"):
        assert (samples_home.portal / f"search/index-{language}.js").stat().st_size < 150_000
    for page in samples_home.portal.rglob("*.html"):
        assert page.stat().st_size < 200_000, page


def test_feeds_tell_of_versions_at_addresses_of_the_portal(tmp_path, home, wanted):
    second = places.release(home, places.rows(31), [wanted.release], day=places.dt.date(2026, 3, 1))
    both = places.wanted(home, wanted.release, second)
    portal = FolderPortal(tmp_path, base_url="https://data.town.example/open")
    portal.apply([both], silent, raise_it)
    for place in ("feed.xml", "fi/feed.xml", "datasets/places/feed.xml", "datasets/places/fi/feed.xml"):
        feed = ElementTree.fromstring((tmp_path / place).read_text())
        entries = feed.findall(f"{ATOM}entry")
        assert [one.findtext(f"{ATOM}title") for one in entries] == ["Places 2026-03-01", "Places 2026-02-01"]
        ids = [one.findtext(f"{ATOM}id") for one in (feed, *entries)]
        assert len(set(ids)) == 3
        assert ids[1:] == ["tag:opendistrict,2026:places/2026-03-01", "tag:opendistrict,2026:places/2026-02-01"]
        links = [one.get("href") for one in feed.iter(f"{ATOM}link")]
        assert all(link.startswith("https://data.town.example/open/") for link in links)
        for link in links:
            assert (tmp_path / link.removeprefix("https://data.town.example/open/")).is_file()
        words = "1 added" if "fi" not in place.split("/") else "lisätty 1"
        assert words in entries[0].findtext(f"{ATOM}summary")


# --- served ---------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def client(site):
    with TestClient(application_of(site), base_url="http://127.0.0.1:8766") as client:
        yield client


def test_pages_and_files_come_with_their_types_and_headers(client):
    for path, kind in (
        ("/", "text/html; charset=utf-8"),
        ("/datasets/places/", "text/html; charset=utf-8"),
        ("/datasets/places/places.csv", "text/csv; charset=utf-8"),
        ("/datasets/places/places.parquet", "application/vnd.apache.parquet"),
        ("/assets/site.js", "text/javascript; charset=utf-8"),
        ("/feed.xml", "application/atom+xml; charset=utf-8"),
        ("/catalog.jsonld", "application/ld+json"),
    ):
        for answer in (client.get(path), client.head(path)):
            assert answer.status_code == 200, path
            assert answer.headers["content-type"] == kind
            assert "default-src 'none'" in answer.headers["content-security-policy"]
            assert answer.headers["x-content-type-options"] == "nosniff"
            assert (answer.headers.get("access-control-allow-origin") == "*") == (
                "html" not in kind and "javascript" not in kind
            )
    assert client.head("/datasets/places/places.csv").content == b""


def test_parts_and_unchanged_files_are_answered_as_browsers_ask(client, site):
    whole = (site / "datasets/places/places.parquet").read_bytes()
    part = client.get("/datasets/places/places.parquet", headers={"range": "bytes=4-11"})
    assert (part.status_code, part.content) == (206, whole[4:12])
    assert part.headers["content-range"] == f"bytes 4-11/{len(whole)}"
    tag = client.get("/datasets/places/places.csv").headers["etag"]
    assert client.get("/datasets/places/places.csv", headers={"if-none-match": tag}).status_code == 304
    asked = {"origin": "https://shell.example", "access-control-request-method": "GET"}
    assert client.options("/datasets/places/places.parquet", headers=asked).status_code == 204


@pytest.mark.parametrize(
    "path",
    [
        "/.portal.json",
        "/datasets/places/state.json",
        "/.work/x",
        "/..%2f..%2fetc/passwd",
        "/%2e%2e/secret",
        "/no",
        "/link",
    ],
)
def test_what_is_not_for_visitors_is_not_there(client, site, path, tmp_path):
    (tmp_path / "secret").write_text("secret")
    if not (site / "link").is_symlink():
        (site / "link").symlink_to(tmp_path / "secret")
    answer = client.get(path)
    assert answer.status_code == 404
    assert "secret" not in answer.text


def test_another_name_or_method_is_refused(client):
    assert client.get("/", headers={"host": "evil.example"}).status_code == 421
    assert client.post("/").status_code == 405
    assert client.get("/datasets", follow_redirects=False).headers["location"].endswith("/datasets/")


def test_a_folder_that_is_no_portal_is_told(tmp_path):
    with pytest.raises(RequestError, match=r"no index\.html"):
        application_of(tmp_path)
