"""News of a study: "look" to those who watch its page. The rows are the truth."""

from clinic import news


def group_name(study_id: int) -> str:
    return f"study-{study_id}"


def tell(study_id: int) -> None:
    """Never raises because the broker is away."""
    news.send([group_name(study_id)], study=study_id)
