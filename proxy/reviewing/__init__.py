"""Pages where people review: templates of messages (Z5) and doubtful replies (Z16 Z19), in the window's process.

Owns signing in by token, forms, and what is shown to whom. Must never write to the store or the evidence itself: what
people decide goes to the running proxy through its control socket. Whoever signs in sees the institutions of their
tokens and no others, and acts under the name that the token was made for. No page needs a script.
"""
