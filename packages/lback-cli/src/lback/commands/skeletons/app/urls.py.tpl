"""The addresses of $name. Include them in the project's urls.py."""

from lback.utils.urls import path

from . import views

# For example: path("/$name/", views.index, name="${name}_index")
urlpatterns = []
