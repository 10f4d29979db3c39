"""No module becomes a hall: what has to be read to change one thing stays short."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("warehouse", "sources", "checks", "publish", "flows", "benchmarks", "dev")
LONGEST = 500
WHY_LONGER = {
    "dev/ckan/solr_standin.py": "one server in one file, which CKAN's own interpreter runs",
    "dev/sample_pilots.py": "the facts of the sample, row by row, each with its source",
    "dev/synthetic_register.py": "one generator, whose order of draws is its seed's meaning",
}


def test_no_module_is_longer_than_five_hundred_lines():
    lines = {
        str(path.relative_to(ROOT)): len(path.read_text(encoding="utf-8").splitlines())
        for room in ROOMS
        for path in (ROOT / room).rglob("*.py")
    }
    longer = {name for name, count in lines.items() if count > LONGEST}
    assert longer == set(WHY_LONGER)
