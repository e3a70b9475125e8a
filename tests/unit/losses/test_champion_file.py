"""A champion's file is data: nothing of it is imported, and none of its texts becomes other code."""

import json

import pytest
from toy import champion

from evoloss.errors import UserError
from evoloss.losses.champion_file import read_champion
from evoloss.losses.formula import loss_from


def written(folder, **changes):
    """The path of a champion's file, in which some fields are changed."""
    path = folder / "champion.json"
    path.write_text(json.dumps(champion() | changes))
    return path


def test_a_champion_is_read_and_trained_with(tmp_path):
    path = written(tmp_path)
    assert read_champion(path) == champion()
    assert loss_from(None, str(path), 10, True).text == "-(y * log(p))"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("expression", "helper:go"),
        ("expression", "__import__('os').system('true')"),
        ("expression", ["p", "y"]),
        ("expression", None),
        ("loss", '"""\nimport os\n"""'),
        ("loss", "../../etc"),
        ("method", ""),
        ("fitness", "1.0"),
        ("fitness", float("nan")),
        ("fitness", True),
        ("fitness_is", '""" + evil + """'),
        ("fitness_is", "two\nlines"),
        ("repeats", 0),
        ("run_seed", -1),
        ("run_seed", 1.5),
    ],
)
def test_what_is_no_champion_is_named_with_file_and_field(tmp_path, monkeypatch, field, value):
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "helper.py").write_text("raise SystemExit('imported')")
    path = written(tmp_path, **{field: value})
    with pytest.raises(UserError, match=rf"champion\.json: {field} is .*, but must be"):
        loss_from(None, str(path), 10, True)


@pytest.mark.parametrize("text", ["[]", "null", "3", "{}"])
def test_valid_json_that_is_no_champion_gets_a_sentence(tmp_path, text):
    path = tmp_path / "champion.json"
    path.write_text(text)
    with pytest.raises(UserError, match=r"champion\.json"):
        read_champion(path)
