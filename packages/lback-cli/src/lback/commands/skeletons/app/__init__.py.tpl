"""The app $name."""
