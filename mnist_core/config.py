"""What a trial trains and how: the hyperparameters of the networks and of training, validated.

The defaults are the tutorials'. Contains only values: model/networks.py and training/trainer.py act on them.
"""

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field

from mnist_core.heads import DIGIT, MULTITASK_DIGIT, MULTITASK_PARITY, Head

Activation = Literal["relu", "tanh", "sigmoid", "softrelu", "softsign"]
Initializer = Literal["uniform", "normal", "xavier"]
LayerWidth = Annotated[int, Field(ge=1, le=8192)]


class FrozenModel(BaseModel):
    """A validated, immutable value that allows no unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=False, allow_inf_nan=False)


class MlpConfig(FrozenModel):
    """The tutorial's multilayer perceptron: 784 -> hidden... -> 10."""

    heads: ClassVar[tuple[Head, ...]] = (DIGIT,)

    kind: Literal["mlp"] = "mlp"
    hidden: Annotated[tuple[LayerWidth, ...], Field(min_length=1, max_length=8)] = (128, 64)
    activation: Activation = "relu"
    initializer: Initializer = "uniform"


class LenetConfig(FrozenModel):
    """The tutorial's LeNet: two 5x5 convolutions with 2x2 max pooling, one hidden dense layer, 10 classes."""

    heads: ClassVar[tuple[Head, ...]] = (DIGIT,)

    kind: Literal["lenet"] = "lenet"
    filters: tuple[LayerWidth, LayerWidth] = (20, 50)
    hidden: LayerWidth = 500
    activation: Activation = "tanh"
    initializer: Initializer = "uniform"


class MultitaskConfig(FrozenModel):
    """The MLP's trunk with two heads: the digit (10 classes) and its parity (2 classes)."""

    heads: ClassVar[tuple[Head, ...]] = (MULTITASK_DIGIT, MULTITASK_PARITY)

    kind: Literal["multitask"] = "multitask"
    hidden: Annotated[tuple[LayerWidth, ...], Field(min_length=1, max_length=8)] = (128, 64)
    activation: Activation = "relu"
    initializer: Initializer = "uniform"


AnyModel = MlpConfig | LenetConfig | MultitaskConfig
ModelConfig = Annotated[AnyModel, Field(discriminator="kind")]

MODELS: Mapping[str, type[AnyModel]] = {model.model_fields["kind"].default: model for model in get_args(AnyModel)}
CLASS_NAMES: Mapping[str, tuple[str, ...]] = {
    head.name: head.class_names for model in MODELS.values() for head in model.heads
}
"""Head name -> the names of its classes."""


class ConstantSchedule(FrozenModel):
    """The learning rate does not change."""

    kind: Literal["constant"] = "constant"


class StepSchedule(FrozenModel):
    """The learning rate is multiplied by `factor` after every `every_epochs` epochs."""

    kind: Literal["step"] = "step"
    every_epochs: Annotated[int, Field(ge=1)]
    factor: Annotated[float, Field(gt=0, le=1)] = 0.1


class CosineSchedule(FrozenModel):
    """The learning rate falls along half a cosine, to `final_fraction` of its initial value at the last step."""

    kind: Literal["cosine"] = "cosine"
    final_fraction: Annotated[float, Field(ge=0, le=1)] = 0.0


ScheduleConfig = Annotated[ConstantSchedule | StepSchedule | CosineSchedule, Field(discriminator="kind")]


class TrainingConfig(FrozenModel):
    """How one trial is trained. `momentum` is for sgd and nag; `beta1`, `beta2` and `epsilon` are for adam."""

    epochs: Annotated[int, Field(ge=1, le=10_000)] = 10
    batch_size: Annotated[int, Field(ge=1, le=10_000)] = 100
    optimizer: Literal["sgd", "nag", "adam"] = "sgd"
    learning_rate: Annotated[float, Field(gt=0, le=100)] = 0.1
    momentum: Annotated[float, Field(ge=0, lt=1)] = 0.0
    weight_decay: Annotated[float, Field(ge=0, le=1)] = 0.0
    beta1: Annotated[float, Field(ge=0, lt=1)] = 0.9
    beta2: Annotated[float, Field(ge=0, lt=1)] = 0.999
    epsilon: Annotated[float, Field(gt=0, le=1)] = 1e-8
    schedule: ScheduleConfig = ConstantSchedule()
