"""`gatehouse demo`: the story from request to end, on a real stack of its own."""

import subprocess
from pathlib import Path

from tests.starter.running import Place

PATIENCE = 180.0  # seconds; a quiet machine needs under half a minute


def test_the_demo_plays_to_its_end_and_leaves_nothing_behind(tmp_path: Path) -> None:
    place = Place(tmp_path)
    process = place.started("", "demo", stderr=subprocess.STDOUT, env=place.environment)

    said, _ = process.communicate(timeout=PATIENCE)

    assert process.returncode == 0, said
    summary = said.rpartition("=== What happened")[2]
    assert "Every step was as expected, in " in summary
    assert "breaches: 0" in said
    assert "Traceback" not in said
