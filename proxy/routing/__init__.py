"""Routing in pool mode: which carrier route a permitted message takes, how fast, and whose turn it is. Sans-IO."""
