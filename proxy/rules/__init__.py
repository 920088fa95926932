"""The rules, one family a file. `table.py` puts them in the order in which they are reported."""
