"""`python -m roottrading` is the `roottrading` command."""

from roottrading.cli.main import main

if __name__ == "__main__":
    main()
