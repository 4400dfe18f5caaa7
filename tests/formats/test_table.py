"""Texts of lines and columns: how cells are told apart, and what is too much."""

import numpy as np
import pytest

from dsta_jax.datasets import own_files
from dsta_jax.errors import UserError
from dsta_jax.formats import csv_frames, table

# Ways to write the same two lines: a word, three numbers.
WRITTEN = {
    "commas": "a b,1,2.5,\nc,4,nan,-6\n",
    "quotation marks": '"a b","1","2.5",""\n"c",4,None,-6\n',
    "semicolons": "a b;1;2,5;\nc;4;NA;-6",
    "tabs": "a b\t1\t2,5\tnull\nc\t4\t-\t-6\n",
    "in Windows": "\ufeffa b,1,2.5,\r\n\r\nc,4,nan,-6\r\n",
    "a separator at the end": "a b,1,2.5,,\nc,4,nan,-6,\n",
    "a list": 'a b,"[1, 2.5, nan]"\nc,"[4, nan, -6]"\n',
    "a list between semicolons": "a b;[1.0, 2.5, nan]\nc;(4, nan, -6)".replace("(", "[").replace(")", "]"),
    "a header": "word,x,y,z\na b,1,2.5,\nc,4,nan,-6\n",
    "unseen numbers are no header": "a b,1,2.5,\nc,4,,-6",
}


@pytest.mark.parametrize("case", WRITTEN)
def test_the_same_lines(tmp_path, case):
    (tmp_path / "a.csv").write_text(WRITTEN[case], newline="", encoding="utf-8")
    found = table.read(tmp_path / "a.csv", own_files.of_text('columns = ["name", "numbers"]'), "xyz")
    assert found.columns["name"] == ["a b", "c"]
    np.testing.assert_array_equal(found.numbers_RxW, [[1, 2.5, np.nan], [4, np.nan, -6]])
    assert found.numbers_RxW.dtype == np.float32
    last = WRITTEN[case].rstrip("\r\n").count("\n") + 1
    assert found.at(1) == f"{tmp_path / 'a.csv'}:{last}"


def test_a_line_of_nothing_but_unseen_numbers_is_no_header(tmp_path):
    (tmp_path / "a.csv").write_text("nan,nan\n1,2\n")
    assert len(table.read(tmp_path / "a.csv", own_files.of_text(""), "xy").lines) == 2


def test_rows(tmp_path):
    (tmp_path / "a.csv").write_text("a,1\nb,2\nc,3\n")
    found = table.read(tmp_path / "a.csv", own_files.of_text('columns = ["name", "numbers"]'), "xy")
    some = found.rows(np.array([2, 0]))
    assert some.columns["name"] == ["c", "a"] and some.numbers_RxW.tolist() == [[3], [1]] and some.at(0).endswith(":3")


def test_what_is_too_large(tmp_path, monkeypatch):
    path = tmp_path / "a.csv"
    path.write_text("1,2\n" * 5)
    monkeypatch.setattr(table, "_MOST_LINES", 4)
    with pytest.raises(UserError, match="a.csv: 5 lines, expected at most 4; cut it into several files"):
        table.read(path, own_files.of_text(""), "xy")
    monkeypatch.setattr(csv_frames, "MOST_TEXT", 10)
    with pytest.raises(UserError, match="a.csv: 20 bytes, expected at most 10; is it the right file"):
        table.read(path, own_files.of_text(""), "xy")


def test_a_cell_that_csv_refuses(tmp_path):
    (tmp_path / "a.csv").write_text(f'1,"{"2" * 200_000}",3\n')
    with pytest.raises(UserError, match=r"a.csv:1: .{1,200}$"):
        table.read(tmp_path / "a.csv", own_files.of_text("header = false"), "xyz")
