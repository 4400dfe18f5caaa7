"""What an evaluation comes to, as one page that opens without a network: `report.html` beside `results.json`."""

from dsta_jax.report.output import write, write_after_evaluation

__all__ = ["write", "write_after_evaluation"]
