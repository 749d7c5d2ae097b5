"""From the files of other schedulers to declared schedules of pipelines."""

from flowerpower.pipeline.other_schedulers.plan import ImportedLine, plan_import
from flowerpower.pipeline.other_schedulers.write import write_entries

__all__ = ["ImportedLine", "plan_import", "write_entries"]
