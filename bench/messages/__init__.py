"""The corpus of messages: how it is made, trained on and measured."""
