"""A file as a whole: its form, its order, its labels, its mapping."""

from __future__ import annotations

import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from analyzer.wire import checked
from producer.files import load_mapping, transactions
from producer.files.order import Item, in_order
from schemas.errors import UserError
from tests.own_files import COLUMNS, MAPPING, Files, rows

HEADER = ",".join(COLUMNS)
LINE = "t1,c1,m1,2026-01-01 08:00:00,12.50,0"
APART = MAPPING.replace('column = "fraud"', 'column = "fraud"\ntransaction = "of"')


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path)


def parquet(files: Files, table: pa.Table, name: str = "own.parquet") -> Path:
    path = files.folder / name
    pq.write_table(table, path)
    return path


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "own.csv is empty"),
        ("\ufeff", "own.csv is empty"),
        (f"{HEADER}\n", "own.csv has a header and no transactions"),
        (f"{LINE}\n{LINE}\n", "it has: "),
        (f"\n\n\n\n\n{HEADER}\n{LINE}\n", "begins with a blank line"),
        (f"{HEADER},id\n{LINE},x\n", "two columns named 'id'"),
        (f"{HEADER}\n{LINE}\n{LINE},more\n", "own.csv, line 3: has 7 cells, the header has 6"),
        (f'{HEADER}\n"t1,c1\n', "own.csv, line 2: the file ends inside quotes"),
        (f'{HEADER}\n"{"x" * 140_000}",{LINE}\n', "own.csv, line 2: a cell has more than 131,072 characters"),
        (f'{HEADER}\n"t"1,c1\n', "own.csv, line 2: "),
        (f"{HEADER}\n".encode() + b"t\xff" + LINE.encode(), "own.csv is not UTF-8"),
        (b"PAR1 and so on", "own.csv ends in .csv and is Parquet"),
        (b"\x1f\x8b\x08\x00", "own.csv is compressed (gzip): unpack it first"),
        (b"\x80\x04\x95", "own.csv is a pickle"),
    ],
)
def test_a_file_that_is_no_table_is_refused_in_one_line(files: Files, content: str | bytes, said: str) -> None:
    assert said in files.refused(files.text(content))


def test_a_file_of_another_kind_or_none_is_refused(files: Files) -> None:
    assert "ends in .xls" in files.refused(files.text(f"{HEADER}\n{LINE}\n", "own.xls"))
    assert "own.pkl is a pickle: read it with pandas" in files.refused(files.text("x", "own.pkl"))
    assert "is no Parquet" in files.refused(files.text(f"{HEADER}\n", "own.parquet"))
    assert "No such file" in files.refused(files.folder / "nowhere.csv")
    assert "Is a directory" in files.refused(files.folder)


def test_byte_order_mark_quoted_newlines_and_blank_lines_are_read(files: Files) -> None:
    quoted = LINE.replace("m1", '"two\nlines"')
    text = f"\ufeff{HEADER}\n{quoted}\n\n{LINE.replace('t1', 't2')}\n{LINE.replace('12.50', 'x').replace('t1', 't3')}\n"
    path = files.text(text)
    assert "own.csv, line 6, column amount" in files.refused(path)
    assert [record["merchantId"] for record, _ in files.read(path, limit=2)] == ["two\nlines", "m1"]


def test_parquet_holds_what_the_csv_says(files: Files) -> None:
    table = rows({"fraud": "1"}, {"amount": "0.07"}, {})
    typed = {
        "id": [row["id"] for row in table],
        "card": [row["card"] for row in table],
        "shop": [row["shop"] for row in table],
        "at": pa.array([row["at"] for row in table]).cast(pa.timestamp("ns")),
        "amount": [float(row["amount"]) for row in table],
        "fraud": [int(row["fraud"]) for row in table],
    }
    assert files.read(parquet(files, pa.table(typed))) == files.read(files.csv(table))
    zoned = {
        **typed,
        "at": pa.array([row["at"] for row in table]).cast(pa.timestamp("ns")).cast(pa.timestamp("ns", "UTC")),
    }
    assert files.read(parquet(files, pa.table(zoned)), files.mapping(timezone="")) == files.read(files.csv(table))
    broken = {**typed, "amount": [1.0, float("nan"), None]}
    assert "own.parquet, row 2, column amount: is empty" in files.refused(parquet(files, pa.table(broken)))


def test_a_parquet_file_that_was_cut_off_is_refused(files: Files) -> None:
    whole = parquet(files, pa.Table.from_pylist(rows({}, {}))).read_bytes()
    for size in (8, len(whole) // 2, len(whole) - 3):
        assert "is broken Parquet, perhaps cut off" in files.refused(files.text(whole[:size], "cut.parquet"))


def test_without_pyarrow_parquet_is_refused_with_the_remedy(files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    path = parquet(files, pa.Table.from_pylist(rows({})))

    monkeypatch.setitem(sys.modules, "pyarrow", None)
    assert "Parquet needs pyarrow, which is not installed" in files.refused(path)


def test_a_column_that_is_not_there_is_named_with_what_it_could_be(files: Files) -> None:
    error = files.refused(files.csv(rows({})), files.mapping(merchant='merchant = "shpo"'))
    assert "own.csv has no column 'shpo', which the mapping names as columns.merchant (did you mean shop?)" in error


@pytest.mark.parametrize(
    ("replaced", "said"),
    [
        ({"merchant": 'merchnat = "shop"'}, "unknown key columns.merchnat (did you mean merchant?)"),
        ({"merchant": ""}, "columns.merchant is missing"),
        ({"invented": "invnted = true"}, "unknown key invnted (did you mean invented?)"),
        ({"card": 'card = { hash = ["card"] }'}, "unknown key columns.card.hash (did you mean hash_of?)"),
        ({"card": "card = 5"}, "columns.card must be a table or the name of a column"),
        ({"card": "card = {}"}, "columns.card: needs exactly one of column, constant and hash_of"),
        ({"currency": 'currency = "EURO"'}, "'EURO' is no currency of ISO 4217"),
        ({"timezone": 'timezone = "Berlin"'}, "'Berlin' is no time zone"),
        ({"merchant": 'merchant = "shop"\nlatitude = "x"'}, "latitude and longitude go together"),
        ({"invented": "invented = "}, "own.toml is not valid TOML"),
    ],
)
def test_a_wrong_mapping_is_one_line_that_names_the_key(files: Files, replaced: dict[str, str], said: str) -> None:
    assert said in files.refused(files.csv(rows({})), files.mapping(**replaced))


def test_an_unknown_mapping_is_told_with_those_that_are_shipped() -> None:
    with pytest.raises(UserError, match=r"mapping hand: No such file.*one of: handbook, sparkov"):
        load_mapping("hand")


def test_ids_that_come_twice_are_refused_with_both_lines(files: Files) -> None:
    error = files.refused(files.csv(rows({}, {}, {"id": "t1"})))
    assert "line 4, column id: transaction id 't1' was in line 2 already" in error


def test_a_file_out_of_order_is_refused_and_sorted_when_asked(files: Files) -> None:
    path = files.csv(rows({"at": "2026-01-01 10:00:00"}, {}, {}, {"at": "2026-01-01 09:00:00"}, {}))
    assert "line 3, column at: is earlier than line 2 before it: put the rows in order with --sort" in files.refused(
        path
    )
    assert [record["transactionId"] for record, _ in files.read(path, sort=True)] == ["t2", "t3", "t5", "t4", "t1"]


def test_rows_of_one_time_keep_their_order_when_sorted() -> None:
    items: list[Item] = [(5, 1, {"n": 1}, None), (3, 2, {"n": 2}, None), (5, 3, {"n": 3}, None), (3, 4, {"n": 4}, None)]
    for run_rows in (1, 2, 3, 100):
        assert [number for _, number, _, _ in in_order(items, run_rows)] == [2, 4, 1, 3]


def labels(files: Files, *table: tuple[str, str]) -> Path:
    return files.csv([{"of": of, "fraud": fraud} for of, fraud in table], "labels.csv")


def test_labels_may_stand_in_a_file_of_their_own(files: Files) -> None:
    replay = transactions(
        files.csv(rows({}, {}, {})), files.mapping(APART), labels=labels(files, ("t3", "1"), ("t1", "0"))
    )
    assert [label and label["fraud"] for _, label in replay] == [False, None, True]
    assert replay.unlabelled == 1


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ([("t1", "0"), ("t9", "1")], "labels.csv, line 3, column of: transaction 't9' is unknown"),
        ([("t1", "0"), ("t1", "1")], "labels.csv, line 3, column of: transaction 't1' has a label in line 2 already"),
        ([("t1", "yes")], "labels.csv, line 2, column fraud: 'yes' is none of"),
    ],
)
def test_a_label_that_fits_no_transaction_is_refused(files: Files, table: list[tuple[str, str]], said: str) -> None:
    assert said in files.refused(files.csv(rows({})), files.mapping(APART), labels=labels(files, *table))


def test_a_label_file_and_its_mapping_go_together(files: Files) -> None:
    path = files.csv(rows({}))
    assert "give --labels FILE" in files.refused(path, files.mapping(APART))
    assert "needs label.transaction in the mapping" in files.refused(path, labels=labels(files, ("t1", "0")))


def test_a_label_older_than_its_transaction_is_refused(files: Files) -> None:
    known = 'column = "fraud"\nreleased = { column = "known", timezone = "UTC" }'
    own = files.mapping(MAPPING.replace('column = "fraud"', known))
    (row,) = rows({})
    ((_, label),) = files.read(files.csv([{**row, "known": "2026-01-03 00:00:00"}]), own)
    assert label
    assert label["releaseTime"] == 1_767_398_400_000
    error = files.refused(files.csv([{**row, "known": "2025-12-31 00:00:00"}]), own)
    assert "line 2, column known: the label is older than its transaction" in error


def test_sparkovs_columns_become_transactions_without_card_numbers(files: Files) -> None:
    (row,) = rows({})
    number = "4" + "1" * 15
    sparkov = {
        "": "0",
        "trans_date_trans_time": row["at"],
        "cc_num": number,
        "merchant": "fraud_Kirlin and Sons",
        "category": "shopping_net",
        "amt": "2.86",
        "first": "A",
        "last": "B",
        "gender": "M",
        "street": "1 Way",
        "city": "Columbia",
        "state": "SC",
        "zip": "29209",
        "lat": "33.96",
        "long": "-80.93",
        "city_pop": "333497",
        "job": "Engineer",
        "dob": "1968-03-19",
        "trans_num": "2da90c7d74bd",
        "unix_time": "1371816865",
        "merch_lat": "33.98",
        "merch_long": "-81.2",
        "is_fraud": "1",
    }
    shop = {**sparkov, "category": "grocery_pos", "trans_num": "324cc204407e", "is_fraud": "0"}
    replay = transactions(files.csv([sparkov, shop]), "sparkov")
    (online, fraud), (present, genuine) = replay
    assert (online["channel"], online["latitude"], online["merchantCategory"]) == ("CARD_NOT_PRESENT", None, "5311")
    assert (present["channel"], present["latitude"], present["merchantCategory"]) == ("CARD_PRESENT", 33.98, "5411")
    assert online["cardLastFour"] == "1111"
    assert number not in str([online, present])
    assert fraud
    assert genuine
    assert (fraud["fraud"], genuine["fraud"]) == (True, False)
    assert replay.missing == {"device", "approved", "terminal"}
    assert checked(online).currency == checked(present).currency == "USD"


def test_parquet_columns_that_are_no_texts_numbers_or_times_are_refused(files: Files) -> None:
    table = rows({})
    for shop in ([{"name": "m1"}], [b"m1"], [["m1"]]):
        typed = {**pa.Table.from_pylist(table).to_pydict(), "shop": shop}
        assert "own.parquet, column shop is of type" in files.refused(parquet(files, pa.table(typed)))
    never = pa.array([2**62]).cast(pa.timestamp("us"))
    typed = {**pa.Table.from_pylist(table).to_pydict(), "at": never}
    assert "own.parquet holds a time that no calendar has" in files.refused(parquet(files, pa.table(typed)))


def test_another_delimiter_is_guessed_in_the_error(files: Files) -> None:
    text = f"{HEADER}\n{LINE}\n".replace(",", ";")
    assert "set file.delimiter = ';' in the mapping" in files.refused(files.text(text))
    own = files.mapping(invented='invented = true\nfile = { delimiter = ";" }')
    assert len(files.read(files.text(text), own)) == 1
