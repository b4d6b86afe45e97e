"""What is wrong with one model stops no other."""

import re

from monitor import evaluation
from monitor.detectors.ks import Ks
from monitor.store import Store
from monitor.types import Kind, Reason, Stage
from tests.bad_input.world import UNTIL, YAML, error, live_rows, metric, reference_rows, untouched, write
from tests.harness import Model, driftd

SOUND = YAML.format(reference="reference.parquet", live="live/*", features="", truth="")


def both(world, second: str):
    """The sound model `world` and another one, in one command."""
    world.run(prepare=lambda folder: [file.unlink() for file in (folder / "live").iterdir()])
    world.put_live()
    Model(world.folder, second, "other")
    return driftd("once", world.folder, "--state", world.model.state, "--json", "--until", UNTIL)


def lines_of(ran, model: str):
    return [line for line in ran.lines if line["model"] == model]


def sound(world, ran, clean) -> None:
    """The sound model's lines are those of the run without the other model."""
    assert ran.code == 2
    seen = world.shown(ran)
    assert [line["rows"] for line in lines_of(ran, "world")] == [400, 400]
    untouched(type(seen)(type(ran)(0, "\n".join(ran.out.splitlines()[-2:]), ""), ""), clean, set())


def test_a_model_file_that_is_not_valid(world, clean):
    ran = both(world, SOUND.replace("model: world", "model: other").replace("window:", "windwo:"))
    assert re.search(r"other\.yaml:\d+:1: windwo: unknown key", ran.err), ran.err
    assert not lines_of(ran, "other")
    sound(world, ran, clean)


def test_a_model_without_its_reference(world, clean):
    other = SOUND.replace("model: world", "model: other").replace("reference.parquet", "away.parquet")
    ran = both(world, other)
    assert re.search(
        r"^driftd: other: no file matches .*away\.parquet.*\[scan: source_failed\]$", ran.err, re.MULTILINE
    )
    sound(world, ran, clean)


def test_a_column_that_no_model_could_find(world, clean):
    other = SOUND.replace("model: world", "model: other").replace("prediction: y_pred", "prediction: guess")
    ran = both(world, other)
    assert re.search(
        r"^driftd: other: the reference has no column 'guess', which the model file names",
        ran.err,
        re.MULTILINE,
    )
    sound(world, ran, clean)


def test_a_detector_that_raises_costs_its_statistic_only(world, clean, monkeypatch):
    value = Ks.value

    def fails(self, reference, live):
        if 1.5 < reference.bins.high < 100:  # age
            raise ValueError("no")
        return value(self, reference, live)

    monkeypatch.setattr(Ks, "value", fails)
    seen = world.run()
    found = {(each["column"], each["detector"]): each for each in seen.second["statistics"]}
    assert (found["age", "ks"]["value"], found["age", "ks"]["reason"]) == (None, "detector_failed")
    assert found["age", "psi"]["value"] is not None
    message = seen.problems()["age", "detector_failed"]
    assert message == "the detector ks failed on 'age': ValueError: no; the others go on"
    metric(seen, Reason.DETECTOR_FAILED)
    untouched(seen, clean, {"age"})


def test_a_fault_of_driftd_itself_is_the_outcome_of_the_run(world, monkeypatch):
    def fails(*arguments, **options):
        raise RuntimeError("something new")

    monkeypatch.setattr(evaluation.pipeline, "run", fails)
    seen = world.run()
    assert seen.ran.code == 2
    assert "a fault of driftd: RuntimeError: something new [detect: internal]" in seen.ran.err
    error(seen, Stage.DETECT, Reason.INTERNAL)


def test_another_reference_closes_the_alarms_and_keeps_the_windows(world):
    """Alarms were about another normal; what was evaluated stays, and the next window is judged anew."""
    seen = world.run(live=lambda day: day.assign(age=day["age"] + 30))
    assert "covariate" in seen.opened
    write(world.folder / "reference.parquet", reference_rows().assign(age=lambda rows: rows["age"] + 30))
    write(world.folder / "live/3.parquet", live_rows(2).assign(age=lambda rows: rows["age"] + 30))
    again = world.again()
    assert again.opened == set()
    assert again.ran.code == 0
    with Store.open(world.model.state) as store:
        closed = {record.kind: record.reason for record in store.alarms("world")}
        assert len(store.evaluations("world")) == 3
    assert closed[Kind.COVARIATE] == Reason.REFERENCE_CHANGED
