"""What is said of a dataset and its releases: the Data Package, the schemas of its files, DCAT."""
