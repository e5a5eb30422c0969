"""The demo: a whole campaign on this machine, against the carrier in a box."""
