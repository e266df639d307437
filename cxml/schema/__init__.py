"""The frames that rooms hand each other: their column names, their rules, and the one engine that checks them."""
