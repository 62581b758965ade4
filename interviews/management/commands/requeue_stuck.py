from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from interviews import tasks


class Command(BaseCommand):
    help = (
        "Find answers and reports that were left half-way, and queue them again; with --failed those that failed, too."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="only say what would be queued")

        parser.add_argument("--failed", action="store_true", help="give failed answers another three attempts")

    def handle(self, *args: Any, dry_run: bool, failed: bool, **options: Any) -> None:
        reopened = tasks.requeue_failed(dry_run) if failed else []
        stuck = tasks.requeue(dry_run)
        heard = f"{len(stuck.transcribe)} to hear, {len(stuck.check)} to check"
        counts = f"{len(stuck.join)} to join, {heard}, {len(stuck.read)} to read"
        rest = f"{len(stuck.report)} report(s) to draft, {len(stuck.hopeless)} answer(s) that can only be closed"
        voices = f"{len(stuck.speak)} set(s) to speak"
        again = f" {len(reopened)} failed answer(s) again." if failed else ""
        self.stdout.write(f"{'Would queue' if dry_run else 'Queued'} {len(stuck)}: {counts}, {rest}, {voices}.{again}")
