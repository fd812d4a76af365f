"""The command `tiebreak`.

Streamlit finds a component's manifest only through a module named like the distribution, so this
module has that name and stands at the top.
"""

from labeling.cli import main

__all__ = ["main"]

if __name__ == "__main__":
    main()
