"""The record of what a method proposed, whether it passed the check or not."""

import pyarrow as pa

from evoloss.functional_check.settings import STAGES

PROPOSALS = pa.schema(
    [
        ("proposal", pa.int64()),
        ("slot", pa.int64()),
        ("operator", pa.string()),
        ("parents", pa.list_(pa.string())),
        ("expression", pa.string()),
        ("rejected_by", pa.string()),
        ("reason", pa.string()),
        ("candidate_id", pa.string()),
        *((f"{stage}_seconds", pa.float64()) for stage in STAGES),
    ]
)
"""One row per proposed expression. `rejected_by`: null = passed, `method` = rejected by the method's own check.
Seconds: null = stage not reached."""
