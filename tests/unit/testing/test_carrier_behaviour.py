"""A behaviour is read from JSON, changed by merge patches, and refused with the key that is wrong."""

from __future__ import annotations

import pytest

from dispatcher.core.errors import UsageError
from dispatcher.testing.carrier.behaviour import Behaviour, Burst, behaviour_from, merge_patch


def test_from_json() -> None:
    burst = {"fault": "http_429", "every_s": 5, "for_s": 1}
    behaviour = behaviour_from({"seed": 3, "failure": 0.1, "latency_ms": [5, 50], "bursts": [burst]})
    assert behaviour == Behaviour(3, (5, 50), failure=0.1, bursts=(Burst("http_429", every_s=5, for_s=1),))


def test_merging_changes_what_is_named_and_null_removes() -> None:
    behaviour = Behaviour(seed=3, replies={"HADIR": 1, "STOP": 1})
    changed = behaviour.merged({"replies": {"STOP": None, "SETUJU": 2}, "reply": 0.5})
    assert changed == Behaviour(seed=3, replies={"HADIR": 1, "SETUJU": 2}, reply=0.5)
    assert behaviour.merged({}) == behaviour
    assert behaviour.merged({"seed": None}).seed == 0


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ({"failure": 1.5}, "failure"),
        ({"failure": -0.1}, "failure"),
        ({"failurre": 0.1}, "failurre"),
        ({"latency_ms": [50, 5]}, "latency_ms"),
        ({"late_by_s": [2, 1]}, "late_by_s"),
        ({"latency_ms": [1]}, "latency_ms"),
        ({"redeliveries": -1}, "redeliveries"),
        ({"bursts": [{"fault": "earthquake", "every_s": 5, "for_s": 1}]}, "bursts.0.fault"),
        ({"failure": 0.5, "failure_codes": {"30003": 0}}, "failure_codes"),
        ({"reply": 0.5, "replies": {}}, "replies"),
        ("loud", "behaviour"),
    ],
)
def test_what_is_no_behaviour_is_named(values: object, named: str) -> None:
    with pytest.raises(UsageError, match=named):
        behaviour_from(values)


def test_merge_patch_follows_rfc_7396() -> None:
    assert merge_patch({"a": "b", "c": {"d": 1, "e": 2}}, {"a": "z", "c": {"d": None}}) == {"a": "z", "c": {"e": 2}}
    assert merge_patch({"a": [1]}, {"a": [2, 3]}) == {"a": [2, 3]}
    assert merge_patch({"a": 1}, "text") == "text"
    assert merge_patch("text", {"a": {"b": None}}) == {"a": {}}
