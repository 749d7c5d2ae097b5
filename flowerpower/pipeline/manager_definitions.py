"""The verbs of a project's manager on pipelines as they are defined; PipelineManager has them."""

from __future__ import annotations

import builtins
import os
from pathlib import Path
from typing import TYPE_CHECKING

from flowerpower.config.files import Project
from flowerpower.config.overrides import RunOverrides
from flowerpower.config.project_source import check_writable
from flowerpower.pipeline.registry import PipelineFiles, PipelineRegistry

if TYPE_CHECKING:
    from flowerpower.pipeline.bundles.bundle import Bundle
    from flowerpower.pipeline.bundles.importing import ImportPlan
    from flowerpower.pipeline.job_queue import PipelineJobQueue
    from flowerpower.run.draw.graph import Graph
    from flowerpower.run.plan import Plan


# Within this class `list` is the method, so annotations name the type in full.
class DefinitionVerbs:
    """Plans, draws, checks, lists, makes, deletes and moves the pipelines of one project."""

    project: Project
    registry: PipelineRegistry
    job_queue: PipelineJobQueue

    def plan(
        self,
        name: str,
        overrides: RunOverrides | None = None,
        *,
        complete: bool = True,
        with_forecast: bool = False,
    ) -> Plan:
        """What a run would do: nodes in order, inputs and where they go; nothing runs.

        With a forecast, and the cache on, it says which nodes would come from the cache.

        Raises:
            FlowerpowerError: as `run`; missing inputs are no error if `complete` is False.
        """
        from flowerpower.pipeline.execute import plan_run

        overrides = overrides or RunOverrides()
        return plan_run(
            self.project, self.registry.get(name, overrides), overrides,
            complete=complete, with_forecast=with_forecast,
        )  # fmt: skip

    def graph(self, name: str, overrides: RunOverrides | None = None) -> Graph:
        """The pipeline's whole DAG, with its final variables marked; nothing runs.

        Raises:
            FlowerpowerError: as `plan`; missing inputs are no error.
        """
        from flowerpower.run import dag

        plan = self.plan(name, overrides, complete=False)
        return dag.graph(plan.dag.driver, name, plan.final_vars)

    def validate(self, name: str) -> builtins.list[str]:
        """All that is wrong with a pipeline, found without running it, one sentence each.

        Raises:
            PipelineNotFound: if there is no such pipeline.
        """
        from flowerpower.pipeline.validation import find_faults

        return find_faults(self.project, self.registry, name)

    def list(self) -> builtins.list[str]:
        """The names of the project's pipelines, sorted."""
        return self.registry.names()

    def new(self, name: str) -> PipelineFiles:
        """Make a pipeline of one node: conf/pipelines/NAME.yml and pipelines/NAME.py.

        Raises:
            InvalidName: if a pipeline cannot have that name.
            Refused: if one of the files exists; nothing is written then.
        """
        check_writable(self.project)
        return self.registry.create(name)

    def delete(
        self, name: str, *, with_schedules: bool = False, dry_run: bool = False
    ) -> builtins.list[Path]:
        """Delete a pipeline's YAML and module, unless `dry_run`; their paths in the project.

        Raises:
            PipelineNotFound: with the nearest name.
            Refused: if another pipeline uses or follows it, or if a job that has not begun or (not
                with_schedules) a schedule needs it.
        """
        from flowerpower.pipeline.deletion import delete_pipeline

        check_writable(self.project)
        return delete_pipeline(self.registry, self.job_queue, name, with_schedules, dry_run=dry_run)

    def export(self, name: str, path: str | os.PathLike[str], *, overwrite: bool = False) -> Bundle:
        """Write a pipeline's YAML and modules to `path`: a zip if it ends in .zip, else a folder.

        Raises:
            PipelineNotFound: with the nearest name.
            ConfigError: if its file or a module is wrong, is missing, or lies outside the project.
            Refused: if `path` exists, and `overwrite` is False.
        """
        from flowerpower.pipeline.bundles.writing import pack_pipeline, write_bundle

        bundle = pack_pipeline(self.project, name).bundle
        write_bundle(bundle, Path(path), overwrite=overwrite)
        return bundle

    def import_pipeline(
        self,
        path: str | os.PathLike[str],
        *,
        name: str | None = None,
        overwrite: bool = False,
        dry_run: bool = False,
    ) -> ImportPlan:
        """Import a pipeline from a folder or zip that `export` wrote; none of its code runs.

        `name` gives it another name. All files are written or none; with `dry_run`, none. The plan
        that is returned lists them: new, replaced, unchanged.

        Raises:
            ConfigError: if `path` is not a bundle.
            Refused: if files with other content exist, and `overwrite` is False.
        """
        from flowerpower.pipeline.bundles.importing import import_bundle

        root = self.project.root
        check_writable(self.project)
        return import_bundle(root, Path(path), name, overwrite=overwrite, dry_run=dry_run)
