"""The changes to the tables of $name, written by makemigrations and applied by migrate."""
