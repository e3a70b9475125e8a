"""Records of the search."""

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
"""The plan of a generation, one row per slot in use.

`purpose`: `new`; `rescore`, an individual of the population that trains once more, on the seeds of `repeat`; or
`reused`, a candidate that trains like the earlier `twin_of`. It is not trained but takes `reused_fitness`, the mean of
the `reused_evaluations` trainings per task of its twin. A re-scored twin has `twin_of` too, since the new score is of
both. `rate_multiple`: the multiple of cross entropy's rate at which an individual or a twin has its fitness; null for a
new candidate, which is trained at all rates of the search.
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
"""The result of each planned candidate of a generation. `fitness`: at its best rate (null if every rate failed), or
reused; the mean of `evaluations` trainings per task. `rate_multiple`: that rate as a multiple of cross entropy's.
`training_samples`: what the run is charged for the candidate, at all rates; `dearest_samples`: the part of the dearest
training of each task."""

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
"""The survivors of a generation, best first (rank 0). `fitness` is the mean of `evaluations` trainings per task,
all at `rate_multiple` times cross entropy's rate: the candidate's own, or those of `twin_of`, whose fitness it took."""

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
"""One row per generation of a run, with the cost of that generation alone (not cumulated).

`rejected_method`: proposals rejected by the method's own check. `reached_<stage>`: proposals that the stage tested, so
none that an earlier stage rejected or found a fitness for, and none of a pool without a check. `reused`: candidates
that took an earlier fitness. `stopped_evaluations`: trainings that a race or a hurdle stopped; `stopped_samples`: what
this saved of the `full_samples` that all trainings would have taken. `training_samples`: all that the search is
charged, with the images that rungs looked at; `rescore_samples`: the part for individuals that had a fitness already.
`population`: individuals after the generation; `fitness_sd`: the standard deviation of their fitness, null for one
individual. Generation 0 is charged the cost of the pool's first P individuals.
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
"""One row per fresh training. `role`: `incumbent` (since `generation`), `finalist` (born in `generation`) or
`cross_entropy`, the baseline on the same seeds and splits. A candidate is trained only at the rate that the search
chose for it, cross entropy at the task's rate: a maximum over rates would be biased upwards again."""

STOPPED = "stopped"
"""The name, beside the stages of the check, for what ended a candidate that a race or a hurdle stopped."""

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
"""One row per full, uncharged training of an expression that the run rejected or stopped, at every rate of the search.

`stage`: the stage of the functional check that rejected the expression, `method`, or `stopped` (by a race or a hurdle);
`stage_total`: how many expressions of the run this stage had rejected in all.
"""
