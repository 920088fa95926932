"""The commands of `tdgate`: arguments in, tables or JSON out, an exit code. Thin over the rooms that do the work."""
