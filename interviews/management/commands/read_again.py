from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from interviews import tasks


class Command(BaseCommand):
    help = "Read every answer once more that an earlier model pack has read, with the pack that serves now."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="only say how many there are")

    def handle(self, *args: Any, dry_run: bool, **options: Any) -> None:
        count = tasks.read_all_again(dry_run)
        self.stdout.write(f"{'Would read' if dry_run else 'Queued'} {count} answer(s) once more.")
