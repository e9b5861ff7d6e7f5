"""The study spec as a model, frozen and validated once. Independent of YAML and of Optuna.

Fields are validated in the order of their definition: `search` is checked against `model` and `training`, and `trials`
against `search`.
"""

import re
from collections.abc import Mapping
from itertools import chain
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    Field,
    JsonValue,
    SerializerFunctionWrapHandler,
    ValidationError,
    ValidationInfo,
    field_serializer,
    field_validator,
    model_validator,
)

from cluster.spec.candidates import (
    Candidate,
    apply_params,
    candidate_kinds,
    checked_space,
    located_error,
    longest_training,
    optimizers,
)
from cluster.spec.direction import Direction
from cluster.spec.space import Params, SpaceEntry, grid_size
from cluster.spec.strategies import NoPruner, PrunerConfig, SamplerConfig, TpeSampler
from mnist_core.config import MODELS, FrozenModel, MlpConfig, ModelConfig, TrainingConfig
from mnist_core.errors import SpecError
from mnist_core.heads import head_accuracy_tags

MAX_TRIALS = 1_000_000

# What each kind of network measures, including the accuracy of each head.
OBJECTIVES: Mapping[str, tuple[str, ...]] = {
    kind: ("val/accuracy", "val/loss", *head_accuracy_tags("val", [head.name for head in model.heads]).values())
    for kind, model in MODELS.items()
}
if TYPE_CHECKING:
    Objective = str
else:
    Objective = Literal[tuple(dict.fromkeys(chain.from_iterable(OBJECTIVES.values())))]
Auto = Literal["auto"]


def _safe_name(name: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,63}", name):
        raise ValueError("should be 1 to 64 letters, digits, '.', '_' or '-', and not start with '.' or '-'")
    return name


class DataSpec(FrozenModel):
    """The images: `bundled`, or a folder with the four IDX files; validation uses a hold-out or the test images."""

    source: Annotated[str, Field(min_length=1, max_length=4096, pattern=r"^[^\x00]+$")] = "bundled"
    holdout: Annotated[int, Field(ge=1)] | Literal["test"] = 10_000


class SearchSpec(FrozenModel):
    """What to vary, the sampler, the pruner, and the metric to optimise. An empty space varies only the seed."""

    space: Annotated[dict[str, SpaceEntry], Field(max_length=100)] = Field(default_factory=dict)
    sampler: SamplerConfig = TpeSampler()
    pruner: PrunerConfig = NoPruner()
    objective: Objective = "val/accuracy"

    @property
    def direction(self) -> Direction:
        """MINIMIZE for a loss, MAXIMIZE for anything else."""
        return Direction.MINIMIZE if "loss" in self.objective else Direction.MAXIMIZE

    @property
    def grid_size(self) -> int | None:
        """The number of points if the sampler proposes each point once, else None."""
        return grid_size(self.space) if self.sampler.proposes_each_point_once else None


class WorkersSpec(FrozenModel):
    """The number of workers of each kind, and the share of a GPU that each GPU worker takes."""

    cpu: Annotated[int, Field(ge=0, le=100_000)] | Auto = "auto"
    gpu: Annotated[int, Field(ge=0, le=100_000)] | Auto = "auto"
    gpu_fraction: Annotated[float, Field(ge=0.0001, le=1)] = 1.0  # Ray shares nothing smaller

    @model_validator(mode="after")
    def _check_not_empty(self) -> "WorkersSpec":
        if self.cpu == 0 and self.gpu == 0:
            raise ValueError("cpu and gpu are both 0, so no worker would run: raise one of them")
        return self


class LimitsSpec(FrozenModel):
    """When to give up: the study after `minutes`, an epoch after `epoch_timeout_s`, a trial after `attempts`.

    `minutes` starts over when a study is resumed. A checkpoint of a trial is saved at most once every
    `checkpoint_every_s`, and rarely enough to cost at most 2 % of the time; 0 saves one after each epoch.
    """

    minutes: Annotated[float, Field(gt=0)] | None = None
    epoch_timeout_s: Annotated[float, Field(gt=0)] = 300.0
    attempts: Annotated[int, Field(ge=1, le=1000)] = 3
    checkpoint_every_s: Annotated[float, Field(ge=0)] = 10.0


class StopSpec(FrozenModel):
    """Stops the study as soon as a trial's objective reaches `objective`."""

    objective: float | None = None


def _all_points(validated: Mapping[str, Any]) -> int:
    """Returns the default of `trials`: every point of a grid, or else 1."""
    size = validated["search"].grid_size if "search" in validated else None
    return 1 if size is None else min(size, MAX_TRIALS)


class StudySpec(FrozenModel):
    """One study; the class of each field documents it.

    If the sampler proposes each point once, `trials` is at most the number of points.
    """

    name: Annotated[str, AfterValidator(_safe_name)]
    seed: Annotated[int, Field(ge=0, le=2**31 - 1)] = 0
    data: DataSpec = DataSpec()
    model: ModelConfig = MlpConfig()
    training: TrainingConfig = TrainingConfig()
    search: SearchSpec = SearchSpec()
    trials: Annotated[int, Field(ge=1, le=MAX_TRIALS)] = Field(default_factory=_all_points)
    workers: WorkersSpec = WorkersSpec()
    limits: LimitsSpec = LimitsSpec()
    stop: StopSpec = StopSpec()

    @field_validator("search")
    @classmethod
    def _check_search(cls, search: SearchSpec, info: ValidationInfo) -> SearchSpec:
        if "model" not in info.data or "training" not in info.data:
            return search
        base = Candidate(model=info.data["model"], training=info.data["training"])
        search = search.model_copy(update={"space": checked_space(base, search.space)})
        _check_grid_is_finite(search)
        _check_objective(search, candidate_kinds(base, search.space))
        return search

    @field_validator("trials")
    @classmethod
    def _clip_to_grid(cls, trials: int, info: ValidationInfo) -> int:
        size = info.data["search"].grid_size if "search" in info.data else None
        return trials if size is None else min(trials, size)

    @field_serializer("model", mode="wrap")
    def _dump_model(self, model: ModelConfig, dump: SerializerFunctionWrapHandler) -> dict[str, JsonValue]:
        """Leaves out what was not given if `model.kind` is searched: other kinds have other defaults."""
        tree: dict[str, JsonValue] = dump(model)
        if "model.kind" not in self.search.space:
            return tree
        return {name: value for name, value in tree.items() if name == "kind" or name in model.model_fields_set}

    @property
    def model_kinds(self) -> tuple[str, ...]:
        """Returns the kinds of network that the trials may train, in the order of the spec."""
        return candidate_kinds(self.base, self.search.space)

    def model_kind(self, params: Params) -> str:
        """Returns the kind of network that a trial with these parameters trains, without resolving them."""
        model = params.get("model")
        return str(model["kind"] if isinstance(model, Mapping) else params.get("model.kind", self.model.kind))

    @property
    def max_epochs(self) -> int:
        """The most epochs that a trial may train."""
        return longest_training(self.base, self.search.space)

    def resolve(self, params: Params) -> tuple[ModelConfig, TrainingConfig]:
        """Returns what a trial with these parameters trains and how.

        Args:
            params: dotted field name -> value, as the search proposed them; {} gives the spec's own fields.

        Raises:
            SpecError: the parameters do not belong to this spec.
        """
        try:
            candidate = apply_params(self.base, params)
        except (ValidationError, KeyError, TypeError) as err:
            raise SpecError(f"the parameters {dict(params)} do not belong to the study {self.name}") from err
        return candidate.model, candidate.training

    @property
    def optimizers(self) -> tuple[str, ...]:
        """The optimizers that the trials may use, in the order of the spec."""
        return optimizers(self.base, self.search.space)

    @property
    def base(self) -> Candidate:
        """What a trial without parameters trains and how."""
        return Candidate(model=self.model, training=self.training)


def _check_grid_is_finite(search: SearchSpec) -> None:
    if search.sampler.proposes_each_point_once and search.grid_size is None:
        endless = next(name for name, entry in search.space.items() if entry.size is None)
        raise located_error(f"the sampler {search.sampler.kind} needs a step or choices here", "space", endless)


def _check_objective(search: SearchSpec, kinds: tuple[str, ...]) -> None:
    measuring = [kind for kind, objectives in OBJECTIVES.items() if search.objective in objectives]
    others = [kind for kind in kinds if kind not in measuring]
    if others:
        measured_by = f"is measured by {', '.join(measuring)} only, not by {others[0]}"
        raise located_error(f"{search.objective} {measured_by}", "objective")
