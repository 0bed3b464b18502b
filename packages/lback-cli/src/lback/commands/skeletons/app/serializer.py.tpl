"""The serializers of $name, under the other name by which they are looked for."""

# Code imports serializers from either "serializers" or "serializer". They live in serializers.py; this module hands
# them on, so that both imports find the same classes.
from .serializers import *
