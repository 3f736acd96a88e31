"""The jobs of `visionforge init --ci`: premigration, the gate, the migration, postmigration."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pytest_visionforge.errors import PlanError

# service -> template, and where it looks for its jobs
SERVICES = {
    "github": ("github.yml.j2", Path(".github/workflows/migration.yml")),
    "gitlab": ("gitlab.yml.j2", Path(".gitlab-ci.yml")),
    "jenkins": ("jenkinsfile.j2", Path("Jenkinsfile")),
}


def write_jobs(
    service: str, folder: Path, plan_file: str, variables: Sequence[str] = (), *, force: bool = False
) -> Path:
    """Writes the jobs of a CI service into a project's folder, and returns their file.

    `plan_file` is the plan as seen from there, `variables` the environment variables that it names.
    PlanError where there are jobs already (`force` writes over them) or they cannot be written.
    """
    path = folder / SERVICES[service][1]
    if path.exists() and not force:
        raise PlanError(f"{path} is there already, and is left as it is; --force writes over it")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(jobs(service, plan_file, variables), "utf-8")
    except OSError as error:
        raise PlanError(f"{path}: cannot be written: {error.strerror or error}") from None
    return path


def jobs(service: str, plan_file: str, variables: Sequence[str] = ()) -> str:
    """The jobs as text: what names of files and variables are put into must be plain words."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    from pytest_visionforge import record

    for word in (plan_file, *variables):
        if not word or not all(letter.isalnum() or letter in "._-/" for letter in word):
            raise PlanError(f"{word!r} cannot stand in the jobs of a CI service; name the file plainly")
    templates = Environment(  # noqa: S701 - this is no HTML
        loader=FileSystemLoader(Path(record.__file__).parent),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        variable_start_string="[[",
        variable_end_string="]]",
        block_start_string="[%",
        block_end_string="%]",
    )
    return templates.get_template(SERVICES[service][0]).render(plan_file=plan_file, variables=variables)
