"""Make the pictures of the documents: `make pictures`.

Each is drawn from a recorded answer of the local cloud beside this file.
A new recording of `paidonce why`: `paidonce why pay_… --json >docs/pictures/why.json`; of the
dashboard: `python docs/pictures/dashboard.py`.
"""

import io
import json
import re
from pathlib import Path

from paidonce.use_cases.explain import Chain, Step
from rich.console import Console

from docs.pictures import dashboard
from ops.commands import why

HERE = Path(__file__).parent
_COLUMNS = 150
_FONT = re.compile(r"@font-face \{[^}]*\}\s*")


def picture_of_why() -> str:
    """SVG of what `paidonce why` prints."""
    said = json.loads((HERE / "why.json").read_text(encoding="utf-8"))
    steps = tuple(Step(**step) for step in said["steps"])
    chain = Chain(asked=said["asked"], about=said["about"], state=said["state"], steps=steps)
    console = Console(record=True, width=_COLUMNS, file=io.StringIO(), highlight=False)
    why.show(chain, console)
    # A fixed id: otherwise each drawing of the same picture would be another file.
    drawn = console.export_svg(title=f"paidonce why {chain.asked}", unique_id="why")
    # Whoever looks at it has a font of fixed width; a picture should fetch nothing.
    return _FONT.sub("", drawn)


PICTURES = {"why.svg": picture_of_why, "dashboard.svg": dashboard.picture}

if __name__ == "__main__":
    for name, draw in PICTURES.items():
        (HERE / name).write_text(draw(), encoding="utf-8")
