"""Entry point of `understudy` and `python -m understudy`."""


def main() -> None:
    """Run the command line."""
    from understudy.cli import app

    app()


if __name__ == "__main__":
    main()
