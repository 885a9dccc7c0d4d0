"""Did exactly what was to come arrive, byte for byte, and in the order of each key?"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence

from bench.notifier.topic import TIMESTAMP_MS, card, notification


def expected(number: int, partition: int, offset: int) -> str:
    """Return the detail of notification `number`, written without the notifier's own code.

    Python's JSON is the connector's here, because the numbers and texts of the bench need no special treatment.
    """
    value = json.dumps(notification(number), ensure_ascii=False, separators=(",", ":"))
    return (
        f'{{"topic":"notifications","partition":{partition},"offset":{offset},"timestamp":{TIMESTAMP_MS + number},'
        f'"timestampType":"CreateTime","headers":[],"key":"{card(number)}","value":{value}}}'
    )


def problems(entries: Sequence[dict[str, str]], places: Sequence[tuple[int, int]]) -> Iterator[str]:
    """Say what is wrong with the entries that arrived, given where each notification stands; nothing if all is well."""
    wanted = {expected(number, *place): number for number, place in enumerate(places)}
    arrived = Counter(entry["Detail"] for entry in entries)
    if missing := [number for detail, number in wanted.items() if detail not in arrived]:
        yield f"{len(missing)} notifications did not arrive, the first of them number {missing[0]}"
    if strange := sum(count for detail, count in arrived.items() if detail not in wanted):
        yield f"{strange} entries are none of what was to come"
    if repeated := sum(count - 1 for count in arrived.values()):
        yield f"{repeated} entries came again"
    latest: dict[str, int] = {}
    for entry in entries:
        number = wanted.get(entry["Detail"], -1)
        key = card(number)
        if number >= 0 and number < latest.get(key, -1):
            yield f"notification {number} of {key} came after {latest[key]}"
        latest[key] = max(number, latest.get(key, -1))
