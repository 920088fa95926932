"""How tdgate stands with the largest lists it promises to hold: start, memory, and how soon a change binds."""
