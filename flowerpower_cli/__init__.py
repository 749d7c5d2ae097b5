"""The command line of flowerpower: flags in, one call to the library, output."""
