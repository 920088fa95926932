"""What each rule saw, in words: the data behind an outcome. Pure; decides nothing.

`shape` has the value types, `seen` what is looked at, and `of_*` the facts of each family of rules.
"""
