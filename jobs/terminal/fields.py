"""The searched fields of a study as columns: one for each, under a short name, and never the same value twice.

A searched `model` is split: its kind is the network, which has its own column, and of its other keys only those are
shown that tell trials of one kind apart.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from cluster.spec.space import Choices, Params, ParamValue, fewest_digits, format_param
from cluster.spec.study_spec import StudySpec

_SHORT = {"learning_rate": "lr", "weight_decay": "decay", "batch_size": "batch", "initializer": "init"}
# What other columns show: the network and the number of epochs.
_SHOWN_ELSEWHERE = {("model.kind",), ("model", "kind"), ("training.epochs",), ("training", "epochs")}


@dataclass(frozen=True)
class SearchedField:
    """One searched field.

    Attributes:
        header: its short name.
        path: its dotted name in the space and, if its values are mappings, the key in them.
    """

    header: str
    path: tuple[str, ...]

    def value(self, params: Params) -> ParamValue:
        """Returns a trial's value; None if its kind of network has no such field."""
        value = params.get(self.path[0])
        if len(self.path) == 1:
            return value
        return value.get(self.path[1]) if isinstance(value, Mapping) else None

    def cells(self, rows: Sequence[Params]) -> list[str]:
        """Returns the values of several trials, floats with as few digits as keep the different ones apart."""
        values = [self.value(params) for params in rows]
        digits = fewest_digits([value for value in values if value is not None])
        return ["" if value is None else format_param(value, digits) for value in values]


def searched_fields(spec: StudySpec) -> list[SearchedField]:
    """Returns the fields that tell the trials of a study apart, in the order of its space."""
    paths = [path for path in _paths(spec) if path not in _SHOWN_ELSEWHERE]
    names = [_name(path) for path in paths]
    return [
        SearchedField(name if names.count(name) == 1 else ".".join(path), path)
        for name, path in zip(names, paths, strict=True)
    ]


def trial_epochs(spec: StudySpec, params: Params) -> int:
    """Returns how many epochs a trial with these parameters trains."""
    training = params.get("training")
    in_mapping = training.get("epochs") if isinstance(training, Mapping) else None
    found = params.get("training.epochs", in_mapping)
    return found if isinstance(found, int) else spec.training.epochs


def format_fields(fields: Sequence[SearchedField], params: Params) -> str:
    """Returns a trial's searched fields in one line, as `lr=0.06  hidden=128-64`."""
    values = [(field.header, field.value(params)) for field in fields]
    return "  ".join(f"{name}={format_param(value, digits=4)}" for name, value in values if value is not None)


def _name(path: tuple[str, ...]) -> str:
    last = path[-1].rsplit(".", 1)[-1]
    return _SHORT.get(last, last)


def _paths(spec: StudySpec) -> Iterator[tuple[str, ...]]:
    for name, entry in spec.search.space.items():
        if entry.size == 1:
            continue
        if isinstance(entry, Choices) and name in ("model", "training"):
            for key in _keys_that_differ([choice for choice in entry.choices if isinstance(choice, Mapping)]):
                yield (name, key)
        else:
            yield (name,)


def _keys_that_differ(choices: Sequence[Mapping[str, ParamValue]]) -> list[str]:
    """Returns the keys of mappings that have several values among those of one kind."""
    kinds = {str(choice.get("kind")) for choice in choices}
    groups = [[choice for choice in choices if str(choice.get("kind")) == kind] for kind in kinds]
    keys = dict.fromkeys(key for choice in choices for key in choice)
    return [key for key in keys if any(len({str(each.get(key)) for each in group}) > 1 for group in groups)]
