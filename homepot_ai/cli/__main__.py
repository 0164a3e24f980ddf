"""`python -m homepot_ai.cli`: the command, where its script is not on the path."""

from homepot_ai.cli.main import main

main()
