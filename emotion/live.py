"""News of training and of models: "look" to those who watch a run, a list, a trial. The rows are the truth."""

from uuid import UUID

from clinic import news

STUDIO = "studio"  # those who watch the list of runs
REGISTRY = "registry"  # those who watch checkpoints, packs and the catalogue


def group_name(run_id: int) -> str:
    """Those who watch one run."""
    return f"training-{run_id}"


def tell(run_id: int) -> None:
    """Never raises because the broker is away."""
    news.send([group_name(run_id), STUDIO], run=run_id)


def trial_group(trial_id: UUID) -> str:
    """Its owner, on one trial's page."""
    return f"trial-{trial_id}"


def tell_trial(trial_id: UUID) -> None:
    news.send([trial_group(trial_id)], trial=str(trial_id))


def tell_registry() -> None:
    news.send([REGISTRY])
