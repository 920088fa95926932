"""Pool mode: several carrier routes with several binds each, shared by many ESMEs. Sans-IO.

`desk` is the ESME's side, `bind` the carrier's, `dispatch` the way between them. The way back of replies and
receipts is `judging/pool_returns.py`; the shell is `binds/pools.py`.
"""
