"""The spec beside the defaults: of the study, and of the kinds that it chose."""

from cluster.analysis.spec_changes import spec_fields
from cluster.spec.study_spec import StudySpec


def changed(**spec: object) -> dict[str, tuple[str, str | None]]:
    fields = spec_fields(StudySpec.model_validate({"name": "study", **spec}))
    return {field.name: (field.value, field.default) for field in fields if not field.is_default}


def test_spec_of_only_a_name_changes_only_that() -> None:
    assert changed() == {"name": ("study", None), "trials": ("1", None)}


def test_changed_field_stands_beside_its_default() -> None:
    assert changed(training={"epochs": 3})["training.epochs"] == ("3", "10")
    assert changed(limits={"minutes": 5})["limits.minutes"] == ("5", "none")


def test_kind_is_compared_with_the_default_kind_and_its_fields_with_those_of_the_kind() -> None:
    fields = changed(model={"kind": "lenet", "hidden": 100}, search={"pruner": {"kind": "asha", "reduction_factor": 2}})

    assert fields["model.kind"] == ("lenet", "mlp")
    assert fields["model.hidden"] == ("100", "500")
    assert "model.filters" not in fields
    assert fields["search.pruner.kind"] == ("asha", "none")
    assert fields["search.pruner.reduction_factor"][0] == "2"


def test_searched_fields_read_as_sentences() -> None:
    space = {
        "training.learning_rate": {"low": 0.001, "high": 0.5, "log": True},
        "training.batch_size": {"low": 50, "high": 200, "step": 50},
        "model.hidden": {"choices": [[128, 64], [512, 256]]},
    }

    fields = changed(search={"space": space})

    assert fields["search.space.training.learning_rate"] == ("0.001 to 0.5, log", None)
    assert fields["search.space.training.batch_size"] == ("50 to 200, in steps of 50", None)
    assert fields["search.space.model.hidden"] == ("128-64, 512-256", None)
