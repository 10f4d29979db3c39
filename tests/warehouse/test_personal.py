"""The screen for personal data: what it sees in whatever text it stands, and what it must leave alone."""

from datetime import date, timedelta

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from warehouse.personal import EMAIL, IDENTITY, PHONE, find_personal, personal_sql


@pytest.fixture(scope="module")
def connection():
    with duckdb.connect(":memory:") as opened:
        opened.execute(f"CREATE MACRO screened(text) AS {personal_sql('text')}")
        yield opened


EMAILS = [
    "matti.meikalainen@firma.fi",
    "Write to a.b+c@sub.example.co.uk.",
    "matti (at) firma.fi",
    "matti [at] firma [dot] fi",
    "etunimi.sukunimi(a)hel.fi",
    "matti @ firma.fi",
    "päivi@äänekoski.fi",
    "用户@例子.广告",
    "x＠firma.fi",
    "mailto:a%40b.fi",
    "report_a@b.fi_final.xlsx",
    "a@xn--nekoski-0za.fi",
    "so\u00adft@fir\u200bma.fi",
]
PHONES = [
    "+358 40 123 4567",
    "+358401234567",
    "+358 (0)40 123 4567",
    "040-1234567",
    "040–123 45 67",
    "040\u00a0123\u00a04567",
    "(09) 310 1691",
    "0401234567",
    "09 123456",
    "019 12345",
    "040/123 4567",
    "040.123.4567",
    "+44 (0)20 7946 0958",
    "020 7946 0958",
    "07700 900123",
    "(01632) 960 001",
    "00358 40 1234567",
    "0044 (0)20 7946 0958",
    "+1 202-555-0143",
    "+46.8.123.456.78",
    "358401234567",
    "447700900123",
    "puh. 3101691",
    "tel: 555 1234 5",
    "puh.0401234567",
    "12 testers, call 0401234567 in 2016",
    "pilots_040-1234567_v2.xlsx",
    "０４０ １２３ ４５６７",
    "0\u200b40 123\u00ad4567",
]
CODES = [
    "131052-308T",
    "131052A308T",
    "131052Y308T",
    "131052–308t",
    "131052+308T",
    "hetu_131052-308T_scan.pdf",
    "AB 12 34 56 C",
    "AB123456C",
    "ab123456c",
    "850709-9805",
    "198507099805",
    "37605030299",
]
HARMLESS = [
    "",
    "business id 2170029-2, 0201256-6",
    "FI21700292, GB 012 3456 78, GB012345678",
    "company 01234567, SC123456, OC305123, NI012345",
    "2016–2018, 2016/17, 2016-2018",
    "5 000 000 €, +5 000 000 €, £1,250,000, 50 000 000 EUR, 0-100",
    "31.3.2016, 01.03.2016-31.08.2016, 1.3.-31.8.2016, 2016-03-31, 31/03/2016, 08/2016-09/2017",
    "2016-03-31T09:00:00+0200",
    "00580 Helsinki 2016-2018, 00440 2016, 01510 01520, EC2A 4BX, E20 1EJ",
    "62012, 62020 and 01110 41100 62020 90020",
    "https://example.org/0401234567/page?id=0912345678",
    "https://maps.example.org/@60.18,24.95,15z",
    "60.1872, 24.9774 and -0.1276547, 51.5072178",
    "A70123, S21345, 2016/S 123-456789",
    "FI21 1234 5600 0007 85",
    "978-951-0-12345-6, 0000-0002-1825-0097",
    "0207 STUDIOS LTD, @HOME LIMITED, 24-7 HIRE LTD, 1ST 4 U, 020 LIMITED",
    "12 High Street, London N1 7AA; Capellanranta 4 B 12",
    "09.30-16.00, klo 9:00-17:00",
    "131052-308U, 311390-1234, 850709-9806, 556036-0793, 37605030298, 12345678901",
    "BG123456C",
    "Pilot @ Kalasatama 2.0, follow @startup",
    "BasicCompanyDataAsOneFile-2026-10-01.zip BasicCompanyData-2026-10-01-part1_7.zip",
    "1000 households (a third) in 12 (at most) blocks",
]


@pytest.mark.parametrize(
    ("text", "kind"),
    [(text, kind) for texts, kind in ((EMAILS, EMAIL), (PHONES, PHONE), (CODES, IDENTITY)) for text in texts],
)
def test_personal_data_are_seen_in_every_writing(text, kind):
    assert kind in find_personal(text)


@pytest.mark.parametrize("text", HARMLESS)
def test_what_public_texts_are_full_of_is_no_personal_data(text):
    assert find_personal(text) == ()


def test_a_text_may_hold_several_kinds():
    assert find_personal("131052-308T, matti@firma.fi or 040 1234567") == (EMAIL, PHONE, IDENTITY)


def test_a_missing_text_holds_nothing(connection):
    assert connection.execute("SELECT screened(NULL)").fetchone() == (None,)


def test_a_long_hostile_text_takes_no_time(connection):
    for piece in ("a.", "0 1", "@", "a@b.", "+1(", "04"):
        connection.execute("SELECT screened(repeat(?, 500000))", [piece]).fetchone()


# --- properties: whatever stands around it, and by check digits made another way -----------------------------

DAYS = st.dates(date(1900, 1, 1), date(2023, 12, 31))
WORDS = st.text(st.characters(codec="utf-8", exclude_characters="0123456789", exclude_categories=["Cs", "Nd"]))
AROUND = st.tuples(WORDS.map(lambda word: f"{word}: "), WORDS.map(lambda word: f" {word}"))


@st.composite
def finnish_codes(draw):
    day = draw(DAYS)
    sign = draw(st.sampled_from("-YXWVU" if day.year < 2000 else "ABCDEF"))
    number = draw(st.integers(2, 899))
    rest = int(f"{day:%d%m%y}{number:03d}") % 31
    return f"{day:%d%m%y}{sign}{number:03d}{'0123456789ABCDEFHJKLMNPRSTUVWXY'[rest]}"


@st.composite
def swedish_codes(draw):
    body = f"{draw(DAYS):%y%m%d}{draw(st.integers(0, 999)):03d}"
    total = sum(sum(map(int, str(int(digit) * (2 - place % 2)))) for place, digit in enumerate(body))
    return f"{body[:6]}-{body[6:]}{-total % 10}"


@st.composite
def estonian_codes(draw):
    day = draw(DAYS)
    body = f"{draw(st.integers(1, 2)) + 2 * (day.year // 100 - 18)}{day:%y%m%d}{draw(st.integers(0, 999)):03d}"
    for weights in ((1, 2, 3, 4, 5, 6, 7, 8, 9, 1), (3, 4, 5, 6, 7, 8, 9, 1, 2, 3)):
        check = sum(weight * int(digit) for weight, digit in zip(weights, body, strict=True)) % 11
        if check < 10:
            return f"{body}{check}"
    return f"{body}0"


@st.composite
def phones(draw):
    area = draw(st.sampled_from(["040", "050", "09", "0457", "020", "07700", "01632"]))
    shortest = 11 if len(area) == 5 else 9  # British ones have eleven digits: ten may be two postcodes of Vantaa
    digits = draw(st.text("0123456789", min_size=shortest - len(area), max_size=11 - len(area)))
    cuts = sorted(draw(st.sets(st.integers(2, max(2, len(digits) - 2)), max_size=2)))
    pieces = [digits[a:b] for a, b in zip([0, *cuts], [*cuts, len(digits)], strict=True)]
    text = draw(st.sampled_from([" ", "-", "", "\u2011", "\u00a0"])).join(
        [area, *(piece for piece in pieces if piece)]
    )
    return draw(st.sampled_from([text, f"+358 {text[1:]}", f"+44 (0){text[1:]}"]))


@st.composite
def emails(draw):
    letters = st.text("abcdefghijklmnopqrstuvwxyzäöåéß", min_size=1, max_size=12)
    local = ".".join(draw(st.lists(letters, min_size=1, max_size=3)))
    host = ".".join(
        [*draw(st.lists(letters, min_size=1, max_size=3)), draw(st.sampled_from(["fi", "co.uk", "org"]))]
    )
    return local + draw(st.sampled_from(["@", " @ ", "(at)", " (at) ", "[at]", " [AT] ", "(a)", "\uff20"])) + host


@pytest.mark.parametrize(
    ("made", "kind"),
    [
        (finnish_codes(), IDENTITY),
        (swedish_codes(), IDENTITY),
        (estonian_codes(), IDENTITY),
        (phones(), PHONE),
        (emails(), EMAIL),
    ],
    ids=["finnish", "swedish", "estonian", "phone", "e-mail"],
)
@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_it_is_seen_whatever_stands_around_it(connection, made, kind, data):
    before, after = data.draw(AROUND)
    text = before + data.draw(made) + after
    (found,) = connection.execute("SELECT screened(?)", [text]).fetchone()
    assert kind in (found or ""), text


@settings(max_examples=150, deadline=None)
@given(code=finnish_codes(), wrong=st.sampled_from("0123456789ABCDEFHJKLMNPRSTUVWXY"))
def test_a_wrong_check_character_is_no_code(connection, code, wrong):
    code = code.replace("-", "A")  # with the hyphen it may be a Swedish one
    (found,) = connection.execute("SELECT screened(?)", [code[:-1] + wrong]).fetchone()
    assert (IDENTITY in (found or "")) == (wrong == code[-1])


@settings(max_examples=50, deadline=None)
@given(first=DAYS, length=st.integers(0, 2000), amount=st.integers(0, 999_999_999), year=st.integers(1990, 2030))
def test_dates_amounts_and_years_are_harmless(connection, first, length, amount, year):
    last = first + timedelta(days=length)
    grouped = f"{amount:,}".replace(",", " ")
    text = (
        f"{first:%d.%m.%Y}-{last:%d.%m.%Y}, {first}, {last:%d/%m/%Y}; {grouped} € / {amount} EUR,"
        f" {year}-{year + 2}, {first.day}.{first.month}.{first.year}"
    )
    assert connection.execute("SELECT screened(?)", [text]).fetchone() == (None,), text
