"""The plan of a study: its jobs (`job_plan.py`), its records (`record_plan.py`) and what it delivers."""

from functools import cached_property
from typing import Any

from evoloss.reporting.captions import caption
from evoloss.strict_model import canonical_json
from evoloss.study.record_plan import RecordPlan


class Plan(RecordPlan):
    """The files of one study, all below `results/<study>`: those of its jobs, and its deliverables."""

    def deliverables(self) -> list[str]:
        """All files that a complete study has to deliver."""
        losses = [
            f"{self.results}/losses/{name}.{suffix}"
            for name in self.config.champions()
            for suffix in ("py", "tex")
        ]
        tables = [path for suffix in ("csv", "tex", "md") for path in self.table_files(suffix)]
        figures = [path for suffix in ("pdf", "png") for path in self.figure_files(suffix)]
        return [*tables, *figures, *losses, f"{self.results}/chapter/compiled.txt"]

    def table_files(self, suffix: str) -> list[str]:
        """The study's tables, as `csv`, `tex` or `md`."""
        return [f"{self.results}/tables/{name}.{suffix}" for name in self.config.tables()]

    def figure_files(self, suffix: str) -> list[str]:
        """The study's figures, as `pdf` or `png`."""
        return [f"{self.results}/figures/{name}.{suffix}" for name in self.config.figures()]

    def caption_of(self, kind: str, name: str) -> str:
        """The caption of a `table` or `figure`, with this study's settings."""
        return caption(kind, name, self._configuration)

    @cached_property
    def _configuration(self) -> dict[str, Any]:
        """The settings that captions may mention."""
        return self.config.model_dump(mode="json")

    def chapter_description(self) -> str:
        """What the step `chapter` needs to know, as JSON."""
        figures = self.config.figures()
        return canonical_json(
            {
                "tables": self.config.tables(),
                "figures": figures,
                "captions": {name: self.caption_of("figure", name) for name in figures},
                "confidence": self.config.report.confidence,
            }
        )
