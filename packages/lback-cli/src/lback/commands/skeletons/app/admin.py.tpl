"""The models of $name that the admin panel shows."""

$import_admin

# A model appears in the panel once it is registered:
#   from .models import Course
#   admin.register(Course)
