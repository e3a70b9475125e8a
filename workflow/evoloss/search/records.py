"""Records of the search room."""

import pyarrow as pa

from evoloss.functional_check.settings import STAGES

CANDIDATES = pa.schema(
    [
        ("candidate_id", pa.string()),
        ("slot", pa.int64()),
        ("expression", pa.string()),
        ("parents", pa.list_(pa.string())),
        ("operator", pa.string()),
        ("generation", pa.int64()),
        ("fingerprint", pa.list_(pa.float64())),
        ("purpose", pa.string()),
        ("repeat", pa.int64()),
        ("rate_multiple", pa.float64()),
        ("reused_fitness", pa.float64()),
        ("reused_evaluations", pa.int64()),
        ("twin_of", pa.string()),
    ]
)
"""The plan of a generation, one row a slot in use.

`purpose`: `new`; `rescore`, an individual of the population once more, on the seeds of `repeat`; or
`reused`, which trains like the earlier candidate `twin_of` and takes `reused_fitness`, the mean of that one's
`reused_evaluations` trainings a task, without training. A re-scored twin has its `twin_of` too: what is
scored again is both of them. `rate_multiple`: the one multiple of cross entropy's rate that the fitness of an
individual or of a twin is of; null of a new candidate, which is trained at all that the search tries.
"""

SCORES = pa.schema(
    [
        ("candidate_id", pa.string()),
        ("slot", pa.int64()),
        ("expression", pa.string()),
        ("generation", pa.int64()),
        ("fingerprint", pa.list_(pa.float64())),
        ("purpose", pa.string()),
        ("fitness", pa.float64()),
        ("evaluations", pa.int64()),
        ("rate_multiple", pa.float64()),
        ("twin_of", pa.string()),
        ("training_samples", pa.int64()),
        ("dearest_samples", pa.int64()),
    ]
)
"""What came of each planned candidate of a generation: its fitness there at the rate it did best at (null
where every rate failed), or that it reused; of how many trainings a task that is the mean;
`rate_multiple`, that rate as a multiple of cross entropy's; the training samples that the run is charged for
it, at all rates; and those of the dearest rate."""

POPULATION = pa.schema(
    [
        ("candidate_id", pa.string()),
        ("expression", pa.string()),
        ("fitness", pa.float64()),
        ("evaluations", pa.int64()),
        ("rate_multiple", pa.float64()),
        ("twin_of", pa.string()),
        ("born", pa.int64()),
        ("age", pa.int64()),
        ("size", pa.int64()),
        ("rank", pa.int64()),
    ]
)
"""The survivors of a generation, best first (rank 0). `fitness` is the mean of `evaluations` trainings a task, all at
`rate_multiple` times cross entropy's rate: of the candidate's own, or of those of `twin_of`, from which it
took its fitness."""

LEDGER = pa.schema(
    [
        ("generation", pa.int64()),
        ("proposals", pa.int64()),
        ("rejected_method", pa.int64()),
        *((f"rejected_{stage}", pa.int64()) for stage in STAGES),
        *((f"reached_{stage}", pa.int64()) for stage in STAGES),
        *((f"{stage}_seconds", pa.float64()) for stage in STAGES),
        ("check_seconds", pa.float64()),
        ("reused", pa.int64()),
        ("evaluations", pa.int64()),
        ("failed_evaluations", pa.int64()),
        ("stopped_evaluations", pa.int64()),
        ("population", pa.int64()),
        ("full_samples", pa.int64()),
        ("stopped_samples", pa.int64()),
        ("training_samples", pa.int64()),
        ("rescore_samples", pa.int64()),
        ("training_seconds", pa.float64()),
        ("validation_samples", pa.int64()),
        ("validation_seconds", pa.float64()),
        ("peak_memory_bytes", pa.int64()),
        ("best_fitness", pa.float64()),
        ("mean_fitness", pa.float64()),
        ("fitness_sd", pa.float64()),
        ("incumbent", pa.string()),
        ("incumbent_expression", pa.string()),
        ("incumbent_rate_multiple", pa.float64()),
    ]
)
"""One row a generation of a run, with that generation's own cost (not cumulated).

`rejected_method`: by a check of the method's own. `reached_<stage>`: proposals that the stage looked at:
none that an earlier stage had rejected or found a fitness for, none of a pool without a check. `reused`: candidates that took an earlier fitness.
`stopped_evaluations` are the trainings that a race or a hurdle stopped, `stopped_samples` what that saved
of the `full_samples` that all trainings would have taken. `training_samples` are all that the search is
charged, images that rungs looked at among them; `rescore_samples` of them went into individuals that had a fitness already. `population`:
individuals after the generation; `fitness_sd`: the standard deviation of fitness among them, null for one.
Generation 0 is charged what the pool's individuals up to the run's P-th cost.
"""

RESCORED = pa.schema(
    [
        ("candidate_id", pa.string()),
        ("expression", pa.string()),
        ("role", pa.string()),
        ("generation", pa.int64()),
        ("task", pa.string()),
        ("repeat", pa.int64()),
        ("rate_multiple", pa.float64()),
        ("learning_rate", pa.float64()),
        ("training_seed", pa.int64()),
        ("split_seed", pa.int64()),
        ("validation_accuracy", pa.float64()),
        ("status", pa.string()),
        ("reason", pa.string()),
        ("training_samples", pa.int64()),
        ("seconds", pa.float64()),
    ]
)
"""One row a fresh training. `role`: `incumbent` (since `generation`), `finalist` (born in `generation`) or
`cross_entropy`, the baseline on the same seeds and splits. All of a candidate's are at the one rate that the
search chose for it, cross entropy's at the task's: a maximum over rates here would flatter anew."""

STOPPED = "stopped"
"""Who ended a candidate that a race or a hurdle stopped, beside the stages of the check."""

AUDIT = pa.schema(
    [
        ("slot", pa.int64()),
        ("stage", pa.string()),
        ("stage_total", pa.int64()),
        ("generation", pa.int64()),
        ("expression", pa.string()),
        ("task", pa.string()),
        ("rate_multiple", pa.float64()),
        ("training_seed", pa.int64()),
        ("validation_accuracy", pa.float64()),
        ("status", pa.string()),
        ("reason", pa.string()),
        ("training_samples", pa.int64()),
        ("seconds", pa.float64()),
    ]
)
"""One row a training, in full and off the search's books, of what the run had rejected or stopped: at every
rate that the search tries.

`stage`: the stage of the functional check that rejected it, `method`, or `stopped` (by a race or a
hurdle); `stage_total`: how many expressions of the run that stage had rejected, of which this is one.
"""
