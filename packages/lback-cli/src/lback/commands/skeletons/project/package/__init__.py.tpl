"""The project $name: its addresses and its entry point for servers."""
