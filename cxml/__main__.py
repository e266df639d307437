"""``python -m cxml`` is ``cxml``."""

from cxml.cli import main

if __name__ == "__main__":
    main()
