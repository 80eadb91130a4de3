"""Azure as the lab has it: the cloud's state and rules, its ARM handlers and its tokens."""
