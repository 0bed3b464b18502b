"""Declarative HTML forms: fields, widgets, validation and rendering."""
