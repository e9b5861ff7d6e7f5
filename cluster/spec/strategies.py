"""The samplers and pruners that a spec may name, with their options. Contains only values; cluster.search acts on them.

Options have Optuna's names, so its documentation of an algorithm applies here too. A step is an epoch, counted from 1.
"""

from typing import Annotated, ClassVar, Literal

from pydantic import Field, model_validator

from mnist_core.config import FrozenModel

Count = Annotated[int, Field(ge=0, le=1_000_000)]
PositiveCount = Annotated[int, Field(ge=1, le=1_000_000)]
ReductionFactor = Annotated[int, Field(ge=2, le=1000)]


class Strategy(FrozenModel):
    """A sampler or a pruner.

    Attributes:
        packages: the Python packages that it needs besides Optuna.
        proposes_each_point_once: whether it is a sampler for finite spaces, whose size limits the number of trials.
    """

    packages: ClassVar[tuple[str, ...]] = ()
    proposes_each_point_once: ClassVar[bool] = False


class RandomSampler(Strategy):
    """Independent uniform draws."""

    kind: Literal["random"] = "random"


class GridSampler(Strategy):
    """Every point of the space once, in order; float ranges need a step."""

    proposes_each_point_once: ClassVar[bool] = True

    kind: Literal["grid"] = "grid"


class QmcSampler(Strategy):
    """Scrambled Sobol points, which fill the space more evenly than random draws; best with 2^n trials."""

    packages: ClassVar[tuple[str, ...]] = ("scipy",)
    kind: Literal["qmc"] = "qmc"


class TpeSampler(Strategy):
    """The tree-structured Parzen estimator, which samples where good trials are denser than bad ones.

    It considers 250 trials, or `n_startup_trials` if that is more: the 25 best, and the newest of the others.
    """

    kind: Literal["tpe"] = "tpe"
    n_startup_trials: Count = 10


class CmaesSampler(Strategy):
    """Covariance matrix adaptation; draws choices at random. Starts over when a study is resumed."""

    packages: ClassVar[tuple[str, ...]] = ("cmaes",)
    kind: Literal["cmaes"] = "cmaes"
    n_startup_trials: Count = 1


class GpSampler(Strategy):
    """A Gaussian process with expected improvement; slow, for studies with few, expensive trials. Needs PyTorch.

    It considers 250 complete trials, or `n_startup_trials` if that is more: the 25 best, and the newest of the others.
    """

    packages: ClassVar[tuple[str, ...]] = ("scipy", "torch")
    kind: Literal["gp"] = "gp"
    n_startup_trials: Count = 10


SamplerConfig = Annotated[
    RandomSampler | GridSampler | TpeSampler | CmaesSampler | GpSampler | QmcSampler, Field(discriminator="kind")
]


class NoPruner(Strategy):
    """Every trial trains all its epochs."""

    kind: Literal["none"] = "none"


class AshaPruner(Strategy):
    """Asynchronous successive halving.

    Rung k is epoch `min_resource * reduction_factor ** (min_early_stopping_rate + k)`; a trial continues after a rung
    if it is among the best 1 / `reduction_factor` of those that have reached it so far.
    """

    kind: Literal["asha"] = "asha"
    min_resource: PositiveCount = 1
    reduction_factor: ReductionFactor = 3
    min_early_stopping_rate: Annotated[int, Field(ge=0, le=20)] = 0


class HyperbandPruner(Strategy):
    """Several successive halvings side by side, from early to late; `training.epochs` bounds their rungs."""

    kind: Literal["hyperband"] = "hyperband"
    min_resource: PositiveCount = 1
    reduction_factor: ReductionFactor = 3


class MedianPruner(Strategy):
    """Stops a trial whose best value so far is worse than the median of complete trials at the same epoch."""

    kind: Literal["median"] = "median"
    n_startup_trials: Count = 5
    n_warmup_steps: Count = 0
    interval_steps: PositiveCount = 1
    n_min_trials: PositiveCount = 1


class PercentilePruner(Strategy):
    """Stops a trial whose best value so far is not among the best `percentile` % at the same epoch."""

    kind: Literal["percentile"] = "percentile"
    percentile: Annotated[float, Field(ge=0, le=100)] = 25.0
    n_startup_trials: Count = 5
    n_warmup_steps: Count = 0
    interval_steps: PositiveCount = 1
    n_min_trials: PositiveCount = 1


class ThresholdPruner(Strategy):
    """Stops a trial whose value is below `lower` or above `upper`."""

    kind: Literal["threshold"] = "threshold"
    lower: float | None = None
    upper: float | None = None
    n_warmup_steps: Count = 0
    interval_steps: PositiveCount = 1

    @model_validator(mode="after")
    def _check_bounds(self) -> "ThresholdPruner":
        if self.lower is None and self.upper is None:
            raise ValueError("lower and upper are both missing: give at least one")
        if self.lower is not None and self.upper is not None and self.lower > self.upper:
            raise ValueError(f"lower is {self.lower}, but should be at most upper, which is {self.upper}")
        return self


class WilcoxonPruner(Strategy):
    """Stops a trial that a signed-rank test over the epochs finds to be worse than the best complete one."""

    packages: ClassVar[tuple[str, ...]] = ("scipy",)
    kind: Literal["wilcoxon"] = "wilcoxon"
    p_threshold: Annotated[float, Field(ge=0, le=1)] = 0.1
    n_startup_steps: Count = 2


BasicPruner = Annotated[
    AshaPruner | HyperbandPruner | MedianPruner | PercentilePruner | ThresholdPruner | WilcoxonPruner,
    Field(discriminator="kind"),
]


class PatientPruner(Strategy):
    """After `patience` epochs without a gain of `min_delta`, asks `wrapped`; without `wrapped`, stops the trial."""

    kind: Literal["patient"] = "patient"
    wrapped: BasicPruner | None = None
    patience: Count = 1
    min_delta: Annotated[float, Field(ge=0)] = 0.0


PrunerConfig = Annotated[
    NoPruner
    | AshaPruner
    | HyperbandPruner
    | MedianPruner
    | PercentilePruner
    | ThresholdPruner
    | WilcoxonPruner
    | PatientPruner,
    Field(discriminator="kind"),
]
