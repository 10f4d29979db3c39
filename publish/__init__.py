"""Publishing: catalogue entries, releases and the files they consist of, and the portals that show them."""
