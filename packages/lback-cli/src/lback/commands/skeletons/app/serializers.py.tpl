"""How the models of $name become JSON, and JSON becomes models."""

$import_BaseModelSerializer

# A class that inherits from BaseModelSerializer and has a class Meta with model and fields is a serializer.
