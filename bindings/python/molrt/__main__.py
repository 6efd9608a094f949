"""The command that a wheel carries."""

import os
import sys
from pathlib import Path


def main() -> None:
    command = Path(__file__).resolve().parent / "_bundle" / "molrt"
    if not command.exists():
        sys.exit(f"molrt: {command} is missing: this package was installed without the command")
    os.execv(command, ["molrt", *sys.argv[1:]])


if __name__ == "__main__":
    main()
