"""A row becomes the transaction that it says, or is refused in one line that names it."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from analyzer.wire import checked
from producer.files import Mapping, transactions
from producer.files.problems import BadRow
from schemas.errors import UserError
from tests.own_files import MAPPING, ROW, Files, rows


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path)


def one(files: Files, change: dict[str, str], **mapping: str) -> dict[str, object]:
    return files.read(files.csv(rows(change)), files.mapping(**mapping))[0][0]


def test_a_row_becomes_a_transaction_that_the_analyzer_takes(files: Files) -> None:
    ((record, label),) = files.read(files.csv(rows({"fraud": "1"})))
    assert record == {
        "transactionId": "t1",
        "cardId": "c1",
        "cardLastFour": "0000",
        "userId": "c1",
        "eventTime": 1_767_254_460_000,
        "amountMinor": 1_250,
        "currency": "EUR",
        "merchantId": "m1",
        "merchantName": "m1",
        "merchantCategory": "0000",
        "terminalId": None,
        "channel": "CARD_NOT_PRESENT",
        "deviceId": None,
        "country": "ZZ",
        "latitude": None,
        "longitude": None,
        "approved": True,
    }
    assert checked(record).country == "ZZ"
    assert label == {
        "transactionId": "t1",
        "cardId": "c1",
        "eventTime": 1_767_254_460_000,
        "amountMinor": 1_250,
        "currency": "EUR",
        "fraud": True,
        "scenario": "fraud",
        "releaseTime": 1_767_254_460_000 + 7 * 86_400_000,
        "approved": True,
    }


@pytest.mark.parametrize(
    ("column", "value", "said"),
    [
        ("amount", "abc", "column amount: 'abc' is not a number"),
        ("amount", "", "column amount: is empty"),
        ("amount", "nan", "column amount: 'nan' is not a number"),
        ("amount", "inf", "column amount: 'inf' is not a number"),
        ("amount", "1_000", "column amount: '1_000' is not a number"),
        ("amount", "1,234.50", "column amount: '1,234.50' is not a number"),
        ("amount", "-1", "column amount: -1 is negative"),
        ("amount", "1.234", "column amount: 1.234 has parts of a minor unit"),
        ("amount", "1e12", "too large"),
        ("at", "", "column at: is empty"),
        ("at", "yesterday", "column at: 'yesterday' is no time of the form iso"),
        ("at", "1970-01-01 00:00:00", "not between the years 2000 and 2100"),
        ("card", "", "column card: is empty"),
        ("id", "", "column id: is empty"),
        ("shop", "x" * 201, "column shop: has 201 characters"),
        ("fraud", "maybe", "column fraud: 'maybe' is none of"),
        ("fraud", "", "column fraud: '' is none of"),
    ],
)
def test_a_bad_cell_is_named_with_its_line(files: Files, column: str, value: str, said: str) -> None:
    error = files.refused(files.csv(rows({}, {column: value})))
    assert error.startswith(f"own.csv, line 3, column {column}: ")
    assert said in error
    assert "--skip-bad" in error


def test_a_card_number_is_refused_and_not_shown(files: Files) -> None:
    number = "4" + "1" * 15
    for column, value in [("card", number), ("card", "4" + "1" * 11), ("shop", number), ("card", "4111-" * 3 + "1111")]:
        error = files.refused(files.csv(rows({column: value})))
        assert "looks like a card number" in error
        assert f"hash_of = ['{column}']" in error
        assert "1111" not in error


def test_a_hashed_card_number_is_a_token_that_depends_on_the_secret(
    files: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = "4" + "1" * 15
    hashed = {"card": 'card = { hash_of = ["card"], prefix = "card_" }\nlast_four = "card"'}
    monkeypatch.delenv("PRODUCER_TOKEN_KEY", raising=False)
    first = one(files, {"card": number}, **hashed)
    assert first == one(files, {"card": number}, **hashed)
    monkeypatch.setenv("PRODUCER_TOKEN_KEY", "a secret of the tests, long")
    second = one(files, {"card": number}, **hashed)
    assert first["cardLastFour"] == second["cardLastFour"] == "1111"
    assert first["cardId"] != second["cardId"]
    assert str(first["cardId"]).startswith("card_")
    assert number not in str(first)


def test_real_cards_are_not_hashed_without_a_secret(files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    real = files.mapping(invented="invented = false", card='card = { hash_of = ["card"] }')
    monkeypatch.delenv("PRODUCER_TOKEN_KEY", raising=False)
    assert "PRODUCER_TOKEN_KEY is not set" in files.refused(files.csv(rows({})), real)
    monkeypatch.setenv("PRODUCER_TOKEN_KEY", "short")
    assert "PRODUCER_TOKEN_KEY has 5 characters" in files.refused(files.csv(rows({})), real)


@pytest.mark.parametrize(
    ("time", "value", "iso_ms"),
    [
        ('timezone = "Europe/Berlin"', "2026-07-01 12:00:00", 1_782_900_000_000),
        ("", "2026-07-01T12:00:00+02:00", 1_782_900_000_000),
        ("", "2026-07-01T10:00:00Z", 1_782_900_000_000),
        ('format = "epoch"', "1782900000", 1_782_900_000_000),
        ('format = "epoch"\nunit = "ms"', "1782900000000", 1_782_900_000_000),
        ('format = "epoch"\norigin = "2026-07-01"', "36000", 1_782_900_000_000),
        ('format = "%d.%m.%Y %H:%M"\ntimezone = "UTC"', "01.07.2026 10:00", 1_782_900_000_000),
    ],
)
def test_times_are_read_as_the_mapping_says(files: Files, time: str, value: str, iso_ms: int) -> None:
    assert one(files, {"at": value}, timezone=time)["eventTime"] == iso_ms


def test_offsets_may_differ_when_each_time_has_one(files: Files) -> None:
    table = rows({"at": "2026-01-01T09:00:00+01:00"}, {"at": "2026-01-01T08:30:00Z"})
    pairs = files.read(files.csv(table), files.mapping(timezone=""))
    assert [record["eventTime"] for record, _ in pairs] == [1_767_254_400_000, 1_767_256_200_000]


def test_times_with_and_without_an_offset_do_not_mix(files: Files) -> None:
    mixed = files.csv(rows({"at": "2026-01-01T08:00:00Z"}, {"at": "2026-01-01T08:30:00"}))
    assert "line 3, column at: 2026-01-01T08:30:00 has no offset from UTC" in files.refused(
        mixed, files.mapping(timezone="")
    )
    assert "line 2, column at: 2026-01-01T08:00:00+00:00 has an offset" in files.refused(mixed)


def test_a_time_that_the_clock_left_out_is_refused(files: Files) -> None:
    error = files.refused(
        files.csv(rows({"at": "2026-03-29 02:30:00"})), files.mapping(timezone='timezone = "Europe/Berlin"')
    )
    assert "never was in Europe/Berlin" in error


def test_currencies_come_from_a_column_and_have_their_own_minor_units(files: Files) -> None:
    table = [{**row, "ccy": code} for row, code in zip(rows({}, {"amount": "500"}), ["EUR", "JPY"], strict=True)]
    pairs = files.read(files.csv(table), files.mapping(currency='currency = { column = "ccy" }'))
    assert [(record["amountMinor"], record["currency"]) for record, _ in pairs] == [(1_250, "EUR"), (500, "JPY")]
    table[1]["ccy"] = "XQQ"
    error = files.refused(files.csv(table), files.mapping(currency='currency = { column = "ccy" }'))
    assert "line 3, column ccy: 'XQQ' is no currency of ISO 4217" in error


def test_amounts_may_be_in_cents_or_with_a_decimal_comma_or_rounded(files: Files) -> None:
    cents = one(files, {"amount": "1250"}, currency='currency = "EUR"\nminor_per_unit = 1')
    comma = one(files, {"amount": "12,5"}, invented='invented = true\nfile = { decimal = "," }')
    rounded = one(files, {"amount": "12.3456"}, currency='currency = "EUR"\nrounded = true')
    assert [record["amountMinor"] for record in (cents, comma, rounded)] == [1_250, 1_250, 1_235]


def test_a_place_is_taken_where_the_card_was_and_nowhere_else(files: Files) -> None:
    own = MAPPING.replace('shop"', 'shop"\nchannel = "how"\nlatitude = "lat"\nlongitude = "lon"')
    at = {**ROW, "lat": "52.5", "lon": "13.4"}
    pairs = files.read(
        files.csv([{**at, "how": "CARD_PRESENT"}, {**at, "how": "CARD_NOT_PRESENT", "id": "t2"}]), files.mapping(own)
    )
    assert [record["latitude"] for record, _ in pairs] == [52.5, None]
    present = {**at, "how": "CARD_PRESENT"}
    for change, said in [
        ({"lat": "91"}, "column lat: 91.0 is not between"),
        ({"lon": ""}, "the other is not"),
        ({"how": "POS"}, "columns.channel: 'POS' is not of the form"),
    ]:
        assert said in files.refused(files.csv([{**present, **change}]), files.mapping(own))


def test_a_value_that_the_table_lacks_is_bad_unless_there_is_another(files: Files) -> None:
    table = '{{ column = "shop", values = {{ m1 = "5411" }}{} }}'
    for otherwise, found in [("", None), (', otherwise = "5999"', "5999")]:
        own = files.mapping(shop="", merchant=f'merchant = "shop"\nmerchant_category = {table.format(otherwise)}')
        path = files.csv(rows({"shop": "m2"}))
        if found is None:
            assert "'m2' is not in the mapping's table of values" in files.refused(path, own)
        else:
            assert files.read(path, own)[0][0]["merchantCategory"] == found


def test_what_a_mapping_does_not_name_is_missing(files: Files) -> None:
    everything = {"place", "device", "merchant_category", "channel", "country", "approved", "terminal"}
    assert transactions(files.csv(rows({})), files.mapping()).missing == everything
    own = files.mapping(merchant='merchant = "shop"\nterminal = "shop"\ncountry = { constant = "DE" }')
    assert transactions(files.csv(rows({})), own).missing == everything - {"terminal", "country"}


def test_bad_rows_are_handed_over_with_their_reasons_and_the_others_go_on(files: Files) -> None:
    bad: list[BadRow] = []
    path = files.csv(rows({}, {"amount": "?"}, {"id": "t1"}, {"at": "2026-01-01 07:00:00"}, {}))
    replay = transactions(path, files.mapping(), on_bad=bad.append)
    assert [record["transactionId"] for record, _ in replay] == ["t1", "t5"]
    assert [(row.place, row.column) for row in bad] == [("line 3", "amount"), ("line 4", "id"), ("line 5", "at")]
    assert (replay.read, replay.bad) == (5, 3)


CELLS = st.one_of(
    st.text(max_size=250),
    st.sampled_from(["", " ", "nan", "-0", "1e12", "2026-01-01", "2026-01-01T00:00:00Z", "0", "1", "true", "\0", "ZZ"]),
    st.integers(-(10**20), 10**20).map(str),
    st.floats().map(str),
    st.datetimes().map(str),
)


RICH = MAPPING.replace(
    'shop"',
    """shop"
terminal = "shop"
device = "card"
channel = { constant = "CARD_PRESENT" }
country = { column = "fraud", values = { 0 = "DE" }, otherwise = "ZZ" }
latitude = "amount"
longitude = "amount"
""",
)
MAPPINGS = [Mapping(**tomllib.loads(text)) for text in (MAPPING, RICH)]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cells=st.fixed_dictionaries({name: st.one_of(st.just(value), CELLS) for name, value in ROW.items()}))
def test_what_a_file_is_read_as_the_analyzer_takes_and_all_else_is_refused(files: Files, cells: dict[str, str]) -> None:
    path = files.csv([cells])
    for mapping in MAPPINGS:
        try:
            ((record, label),) = transactions(path, mapping)
        except UserError as error:
            assert str(error).startswith("own.csv, line 2")  # noqa: PT017 - either is right
        else:
            assert checked(record).amount_minor == record["amountMinor"]
            assert label
