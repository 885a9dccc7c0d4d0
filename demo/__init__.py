"""The suite on this machine: broker, local AWS, supervisor, live view, report."""
