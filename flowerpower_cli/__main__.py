"""`python -m flowerpower_cli` is `flowerpower`."""

from flowerpower_cli.main import main

main()
