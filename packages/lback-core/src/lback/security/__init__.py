"""The security rules, one helper for each, used everywhere in the framework."""
