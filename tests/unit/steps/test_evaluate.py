"""Rule evaluate: races and hurdles on tiny trainings, and what a reader can recompute from the records."""

import pytest
from resolving import resolve, training_flags

from evoloss.errors import UserError
from evoloss.files import read_json, write_json
from evoloss.learning.records import EVALUATIONS
from evoloss.learning.schedule import SEGMENTS
from evoloss.parquet import read, read_metadata, write
from evoloss.search.fitness import references
from evoloss.search.racing import (
    HurdleSettings,
    RacingSettings,
    clears,
    losers,
    places,
    rung_score,
    segments_at,
)
from evoloss.search.records import CANDIDATES
from evoloss.seeds import training_seed
from evoloss.steps.evaluate import main

CROSS_ENTROPY = "-(y * log(p))"
HOPELESS = "sqrt(abs(p - 0.2 * y))"
SIX = [
    "abs(p - y)",
    CROSS_ENTROPY,
    HOPELESS,
    "square(p - y)",
    "-(y * sqrt(p))",
    "tanh(10 * p) * (1 - y)",
]
RACE = RacingSettings()
VARYING = ("seconds", "validation_seconds", "peak_memory_bytes")
"""Columns that differ from run to run."""


def planned(number, expression, purpose="new", repeat=0):
    """A candidate of generation 1 in the slot of this number, as rule breed plans it."""
    return {
        "candidate_id": f"g0001s{number:03d}",
        "slot": number,
        "expression": expression,
        "parents": [],
        "operator": "x",
        "generation": 1,
        "fingerprint": None,
        "purpose": purpose,
        "repeat": repeat,
        "rate_multiple": None if purpose == "new" else 1.0,
        "reused_fitness": 0.5 if purpose == "reused" else None,
        "reused_evaluations": 1 if purpose == "reused" else None,
        "twin_of": "g0000s000" if purpose == "reused" else None,
    }


@pytest.fixture
def evaluate(tmp_path, data_folder):
    """A function that writes a plan and runs the step; its `metadata()` is what the file says of itself."""

    def run(plan, tasks, **changes):
        """Evaluate expressions or planned rows on tasks, and return the records without times."""
        plan = [
            row if isinstance(row, dict) else planned(number, row)
            for number, row in enumerate(plan)
        ]
        write(tmp_path / "candidates.parquet", plan, CANDIDATES, {})
        flags = {
            "candidates": tmp_path / "candidates.parquet",
            "tasks": list(tasks),
            "data": str(data_folder),
            "batch": 0,
            "batch_size": 100,
            "first": None,
            "racing": None,
            "hurdle": None,
            "output": tmp_path / "evaluations.parquet",
        }
        for name in ("racing", "hurdle"):
            if name in changes:
                changes[name] = changes[name].model_dump_json()
        main(training_flags(**flags | changes))
        rows = read(tmp_path / "evaluations.parquet", EVALUATIONS)
        assert all(row["seconds"] >= 0 for row in rows)
        return [{k: v for k, v in row.items() if k not in VARYING} for row in rows]

    run.metadata = lambda: read_metadata(tmp_path / "evaluations.parquet")
    return run


def test_without_race_or_hurdle_every_candidate_is_trained_to_its_end(evaluate, resolved):
    rows = evaluate(SIX[:3], [resolved["one"]])
    assert {row["status"] for row in rows} == {"completed"}
    assert {row["rung_accuracies"] for row in rows} == {None}
    assert evaluate.metadata()["stopping"] is None


def by_name(rows):
    """The records by candidate and task."""
    found = {}
    for row in rows:
        found.setdefault(row["candidate_id"], {})[row["task"]] = row
    return found


def stopped_in(rows, racing, tasks):
    """Whom the race must have stopped at each rung, computed from the recorded accuracies alone."""
    by_task = references(read_json(path) for path in tasks)
    seen = {
        name: {task: row["rung_accuracies"] for task, row in trainings.items()}
        for name, trainings in by_name(rows).items()
    }
    running, stopped = list(seen), []
    for rung in range(len(racing.rungs)):
        scores = {
            name: rung_score({task: values[rung] for task, values in seen[name].items()}, by_task)
            for name in running
            if all(len(values) > rung for values in seen[name].values())
        }
        out = losers(scores, places(len(seen), racing.going_on, rung))
        running = [name for name in scores if name not in out]
        stopped.append(out)
    return stopped


@pytest.mark.parametrize("names", [("one",), ("one", "two")], ids=["one task", "two tasks"])
def test_of_six_in_a_race_two_and_then_one_go_on(evaluate, resolved, names):
    tasks = [resolved[name] for name in names]
    rows = evaluate(SIX, tasks, racing=RACE)
    trained = by_name(rows)
    assert list(trained) == [f"g0001s{number:03d}" for number in range(6)]
    assert all(set(trainings) == set(names) for trainings in trained.values())
    first, second = stopped_in(rows, RACE, tasks)
    assert (len(first), len(second)) == (4, 1)
    (winner,) = set(trained) - {*first, *second}
    for name, trainings in trained.items():
        rungs = 1 if name in first else 2
        for task, row in trainings.items():
            steps = {"one": 27, "two": 18}[
                task
            ]  # nine batches of 32 an epoch, in three and two epochs
            assert len(row["rung_accuracies"]) == rungs
            assert row["full_samples"] == steps * 32
            assert row["training_samples"] == row["steps"] * 32
            assert row["training_seed"] == training_seed("search", 0, task, 0)
            if name == winner:
                assert (row["status"], row["reason"], row["steps"]) == ("completed", None, steps)
                assert 0 < row["validation_accuracy"] < 1
            else:
                assert row["status"] == "stopped_early"
                assert row["steps"] == {1: -(-steps // 6), 2: steps // 3}[rungs]
                places_left = {1: 2, 2: 1}[rungs]
                assert row["reason"].startswith(f"lost at rung {rungs} of 2: ")
                assert row["reason"].endswith(f", not among the {places_left} best")
                assert row["validation_accuracy"] is None
                assert row["validation_samples"] == rungs * 300
            assert row["looked_samples"] == rungs * 300
    # The winner's numbers are those of its training alone.
    plan = [planned(number, text) for number, text in enumerate(SIX)]
    alone = by_name(evaluate([row for row in plan if row["candidate_id"] == winner], tasks))
    for task, row in alone[winner].items():
        looks = {
            key: trained[winner][task][key]
            for key in ("rung_accuracies", "looked_samples", "validation_samples")
        }
        assert row | looks == (trained[winner][task])
        assert row["rung_accuracies"] is None


def test_places_are_counted_from_all_who_entered(evaluate, resolved):
    rows = evaluate([*SIX, *SIX], [resolved["one"]], racing=RACE)
    # Of twelve four and then two go on; counted from the four it would be one.
    assert sum(row["status"] == "completed" for row in rows) == 2


def test_a_race_repeats_and_its_run_seed_matters(evaluate, resolved):
    rows = evaluate(SIX, [resolved["one"]], racing=RACE)
    assert rows == evaluate(SIX, [resolved["one"]], racing=RACE)
    assert rows != evaluate(SIX, [resolved["one"]], racing=RACE, run_seed=1)


def test_of_twins_in_a_race_the_first_goes_on(evaluate, resolved):
    twins = by_name(evaluate([CROSS_ENTROPY] * 3, [resolved["one"]], racing=RACE))
    assert [twins[name]["one"]["status"] for name in sorted(twins)] == [
        "completed",
        "stopped_early",
        "stopped_early",
    ]


def test_a_loss_that_cannot_be_scaled_takes_no_place_in_a_race(evaluate, resolved):
    flat = "y * (p - p) + y"
    rows = by_name(evaluate([flat, *SIX[:2]], [resolved["one"]], racing=RACE))
    failed, first, second = (rows[name]["one"] for name in sorted(rows))
    assert (failed["status"], failed["rung_accuracies"]) == ("failed", [])
    assert "no finite, non-zero gradient to scale" in failed["reason"]
    assert (failed["training_samples"], failed["full_samples"]) == (0, 27 * 32)
    # Of three entrants one place: the two that run are not spared for it.
    assert sorted([first["status"], second["status"]]) == ["completed", "stopped_early"]


def test_a_candidate_alone_in_a_race_wins_it(evaluate, resolved):
    (row,) = evaluate([HOPELESS], [resolved["one"]], racing=RACE)
    assert row["status"] == "completed"
    assert len(row["rung_accuracies"]) == 2


def test_a_hurdle_stops_the_hopeless_and_leaves_the_others(evaluate, resolved):
    hurdle = HurdleSettings(rungs=[1 / 3, 2 / 3])
    one = read_json(resolved["one"])
    by_task = references([one])
    rows = by_name(evaluate(SIX, [resolved["one"]], hurdle=hurdle))
    for trainings in rows.values():
        row = trainings["one"]
        fell = None
        for number, accuracy in enumerate(row["rung_accuracies"]):
            at = one["cross_entropy_held_out"][segments_at(hurdle.rungs[number], SEGMENTS) - 1]
            score, reference = (rung_score({"one": a}, by_task) for a in (accuracy, at))
            assert fell is None
            if not clears(score, reference, hurdle.share):
                fell = f"fell at rung {number + 1} of 2: {score:.3f}, cross entropy {reference:.3f}"
        assert row["reason"] == fell
        assert row["status"] == ("completed" if fell is None else "stopped_early")
        assert fell is not None or len(row["rung_accuracies"]) == 2
    statuses = {text: rows[f"g0001s{k:03d}"]["one"]["status"] for k, text in enumerate(SIX)}
    assert statuses[CROSS_ENTROPY] == "completed"
    assert statuses[HOPELESS] == "stopped_early"
    # A hurdle judges each for itself: alone it has the same record.
    (row,) = evaluate([planned(2, HOPELESS)], [resolved["one"]], hurdle=hurdle)
    assert row == rows["g0001s002"]["one"]


@pytest.mark.parametrize("stopping", [{"racing": RACE}, {"hurdle": HurdleSettings(share=0.99)}])
def test_individuals_scored_once_more_are_never_stopped(evaluate, resolved, stopping):
    again = [planned(7, HOPELESS, "rescore", repeat=2), planned(8, "square(p - y)", "reused")]
    plan = [again[0], *(planned(k, text) for k, text in enumerate(SIX[:3])), again[1]]
    rows = by_name(evaluate(plan, [resolved["one"]], **stopping))
    assert set(rows) == {"g0001s000", "g0001s001", "g0001s002", "g0001s007"}
    row = rows["g0001s007"]["one"]
    assert (row["status"], row["rung_accuracies"]) == ("completed", None)
    assert row["training_seed"] == training_seed("search", 0, "one", 2)
    # They take no place either: the others fare as without them.
    without = by_name(evaluate(plan[1:4], [resolved["one"]], **stopping))
    assert {name: rows[name] for name in without} == without


def test_only_the_first_of_a_pool_are_taken(evaluate, resolved):
    def names(**changes):
        """The numbers of the candidates that were evaluated."""
        rows = evaluate(SIX, [resolved["one"]], **changes)
        return [int(row["candidate_id"][-1]) for row in rows]

    assert names(first=3, batch_size=2) == [0, 1]
    assert names(first=3, batch_size=2, batch=1) == [2]
    assert names(first=3, batch_size=2, batch=2) == []
    # A race is one batch, whatever the size of the others'.
    assert names(first=3, batch_size=2, racing=RACE) == [0, 1, 2]
    assert evaluate.metadata()["stopping"] == RACE.model_dump(mode="json")


@pytest.mark.parametrize(("rung", "patience"), [(0.9, None), (2 / 3, 1)])
def test_a_race_over_two_tasks_has_a_winner(evaluate, resolved, tmp_path, rung, patience):
    racing = RacingSettings(rungs=[rung])
    tasks = []
    for name in ("one", "two"):
        value = read_json(resolved[name])
        epochs = 30 if patience else value["settings"]["epochs"]
        value["settings"] |= {"epochs": epochs, "early_stopping": patience}
        tasks.append(tmp_path / f"{name}.json")
        write_json(tasks[-1], value)
    rows = by_name(evaluate(SIX[:3], tasks, racing=racing))
    assert any(
        all(row["status"] == "completed" for row in trainings.values())
        for trainings in rows.values()
    )


def test_a_hurdle_stands_where_cross_entropy_itself_stopped_early(evaluate, resolved, tmp_path):
    # With early stopping rule tune may write a curve of four entries.
    value = read_json(resolved["one"])
    value["settings"] |= {"epochs": 30, "early_stopping": 1}
    value["cross_entropy_held_out"] = value["cross_entropy_held_out"][:4]
    write_json(tmp_path / "one.json", value)
    rows = evaluate(SIX[:2], [tmp_path / "one.json"], hurdle=HurdleSettings())
    assert len(rows) == 2


def test_rungs_that_a_training_is_too_short_for_are_refused(evaluate, resolved):
    early = RacingSettings(rungs=[1 / 18, 1 / 3])
    with pytest.raises(UserError, match=r"rungs of racing on task 'two': .* are steps 1, 6"):
        evaluate(SIX[:2], [resolved["one"], resolved["two"]], racing=early)


def test_on_unbalanced_images_naming_the_commonest_class_wins_no_race(evaluate, lopsided):
    # It is right on nine images of ten, and fitness 0 by balanced accuracy.
    named = "-(y * p)"
    plan = [named, CROSS_ENTROPY, "-(y * sqrt(p))"]
    racing = RACE.model_copy(update={"judged_by": "training"})
    rows = by_name(evaluate(plan, [lopsided], racing=racing, data=str(lopsided.parent)))
    seen = [rows[name]["lopsided"]["rung_accuracies"] for name in sorted(rows)]
    assert seen[0][0] < 0.65
    assert rows["g0001s000"]["lopsided"]["status"] == "stopped_early"
    assert rows["g0001s001"]["lopsided"]["status"] == "completed"


@pytest.mark.parametrize("stopping", [{"racing": RACE}, {"hurdle": HurdleSettings()}])
def test_a_training_that_ends_by_itself_before_a_look_is_seen_at_its_end(
    evaluate, data_folder, tmp_path, stopping
):
    # A hundred epochs, of which early stopping leaves a few: less than an eighteenth of the steps.
    values = {"dataset": "digits", "training_images": 128, "epochs": 100, "early_stopping": 1}
    task = resolve("early", values, data_folder, tmp_path)
    rows = by_name(evaluate(SIX[:3], [task], **stopping))
    seen = [row for trainings in rows.values() for row in trainings.values()]
    early = [row for row in seen if "stopped after epoch" in (row["reason"] or "")]
    assert [row for row in early if row["steps"] < row["full_samples"] / 32 / 18]
    assert all(row["rung_accuracies"] for row in seen)


@pytest.mark.parametrize(
    "stopping", [{}, {"racing": RACE}, {"hurdle": HurdleSettings()}], ids=["all", "race", "hurdle"]
)
def test_candidates_side_by_side_are_trained_as_one_by_one_and_it_is_recorded(
    evaluate, resolved, stopping
):
    plan = [*SIX[:4], planned(4, CROSS_ENTROPY, "again", repeat=1)]
    tasks = [resolved["one"], resolved["two"]]
    alone = evaluate(plan, tasks, **stopping)
    assert evaluate.metadata()["side_by_side"] == 1
    together = evaluate(plan, tasks, side_by_side=3, **stopping)
    assert evaluate.metadata()["side_by_side"] == 3
    for one, other in zip(alone, together, strict=True):
        assert (one["candidate_id"], one["task"]) == (other["candidate_id"], other["task"])
        for name in ("status", "steps", "training_seed", "training_samples"):
            assert one[name] == other[name]
        assert (one["reason"] is None) == (other["reason"] is None)
        if one["validation_accuracy"] is not None:
            assert other["validation_accuracy"] == pytest.approx(
                one["validation_accuracy"], abs=0.02
            )
